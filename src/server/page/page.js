// SPDX-License-Identifier: Apache-2.0
//
// The built-in page: a chat, and what the engine does meanwhile.
import { getJson } from "./api.js";
import { startChat } from "./chat.js";
import { startSteps } from "./steps.js";

async function showModel() {
  try {
    const [model] = (await getJson("v1/models")).data;
    document.getElementById("model").textContent =
      `${model.id} · context ${model.max_model_len.toLocaleString()} tokens`;
  } catch (error) {
    document.getElementById("model").textContent = error.message;
    setTimeout(showModel, 2000);
  }
}

startChat();
startSteps();
showModel();
