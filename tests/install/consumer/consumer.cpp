// SPDX-License-Identifier: Apache-2.0
//
// A program outside the tree that uses the installed library: every public header, and an engine
// that runs a few tokens of a random model.
#include <cstdio>
#include <future>
#include <utility>

#include <weir/engine.h>
#include <weir/options.h>
#include <weir/request.h>
#include <weir/result.h>
#include <weir/version.h>

namespace {

// How many tokens came back, or the error.
weir::Result<size_t> Generate(weir::Engine& engine, int max_tokens) {
  size_t num_tokens = 0;
  std::promise<void> done;
  weir::Request request;
  request.prompt = engine.Encode("hello");
  request.sampling.max_tokens = max_tokens;
  request.sampling.ignore_eos = true;
  request.on_delta = [&](const weir::Delta& delta) {
    num_tokens += delta.tokens.size();
    if (delta.finish != weir::FinishReason::kNone) done.set_value();
  };
  const weir::Result<weir::RequestId> id = engine.Submit(std::move(request));
  if (!id) return tl::unexpected(id.error());
  done.get_future().wait();
  return num_tokens;
}

}  // namespace

int main() {
  weir::EngineOptions options;
  options.model = "synth:tiny";
  const auto engine = weir::Engine::Open(options);
  const weir::Result<size_t> num_tokens =
      engine ? Generate(**engine, 4) : tl::unexpected(engine.error());
  if (!num_tokens) {
    std::printf("%s: %s\n", weir::CodeName(num_tokens.error().code),
                num_tokens.error().message.c_str());
    return 1;
  }
  std::printf("weir %s, %zu tokens\n", weir::Version(), *num_tokens);
  return *num_tokens == 4 ? 0 : 1;
}
