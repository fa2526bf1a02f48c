// SPDX-License-Identifier: Apache-2.0
//
// The OpenAPI 3 description of the API, written from the tables that requests are read by.
#ifndef WEIR_SERVER_API_OPENAPI_H_
#define WEIR_SERVER_API_OPENAPI_H_

#include "server/api/generation_request.h"

namespace weir {

Json OpenApiJson(const RequestLimits& limits);

}  // namespace weir

#endif  // WEIR_SERVER_API_OPENAPI_H_
