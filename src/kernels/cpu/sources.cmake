# SPDX-License-Identifier: Apache-2.0
include(${CMAKE_CURRENT_LIST_DIR}/sources_matmul.cmake OPTIONAL)
include(${CMAKE_CURRENT_LIST_DIR}/sources_attention.cmake OPTIONAL)
