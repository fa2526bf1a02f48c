# SPDX-License-Identifier: Apache-2.0
#
# The matrix product. Only the files of one instruction set get its flags: what others include must
# not exist in a version that some CPUs cannot run.
list(APPEND sources cpu/matmul.cpp cpu/matmul_avx2.cpp cpu/matmul_avx512.cpp)
set(matmul_avx512_flags -O3 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mavx512vnni
                        -mfma -mf16c)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC's own intrinsics start from deliberately uninitialised registers.
  list(APPEND matmul_avx512_flags -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
set_source_files_properties(cpu/matmul_avx2.cpp PROPERTIES COMPILE_OPTIONS
                                                           "-O3;-mavx2;-mfma;-mf16c")
set_source_files_properties(cpu/matmul_avx512.cpp PROPERTIES COMPILE_OPTIONS
                                                             "${matmul_avx512_flags}")
