// SPDX-License-Identifier: Apache-2.0
//
// The schemas that the OpenAPI description refers to.
#ifndef WEIR_SERVER_API_OPENAPI_SCHEMAS_H_
#define WEIR_SERVER_API_OPENAPI_SCHEMAS_H_

#include "server/api/generation_request.h"

namespace weir {

Json OpenApiSchemas(const RequestLimits& limits);

}  // namespace weir

#endif  // WEIR_SERVER_API_OPENAPI_SCHEMAS_H_
