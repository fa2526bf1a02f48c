// SPDX-License-Identifier: Apache-2.0
//
// The messages of a conversation as chat templates take them.
#ifndef WEIR_SERVER_API_CHAT_MESSAGES_H_
#define WEIR_SERVER_API_CHAT_MESSAGES_H_

#include "server/api/field_reader.h"

namespace weir {

// Array of {"role", "content", ...} with content as one string; text parts are joined by line
// breaks, as vLLM does. "developer" is today's name for "system". Fails the reader with
// messages[i].field as param.
Json ReadMessages(FieldReader& fields, int32_t max_messages);

}  // namespace weir

#endif  // WEIR_SERVER_API_CHAT_MESSAGES_H_
