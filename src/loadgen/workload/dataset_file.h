// SPDX-License-Identifier: Apache-2.0
//
// Files of datasets, whole.
#ifndef WEIR_LOADGEN_WORKLOAD_DATASET_FILE_H_
#define WEIR_LOADGEN_WORKLOAD_DATASET_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "base/json.h"
#include "base/mapped_file.h"

namespace weir::loadgen {

// The file that --dataset-path names; an error that says so when it names none.
Result<MappedFile> OpenDataset(const std::string& dataset, const std::string& path);

std::string_view TextOf(const MappedFile& file);

// Lines without their ends. Empty ones are left out unless `keep_empty`.
std::vector<std::string_view> Lines(std::string_view text, bool keep_empty = false);

// Every line that is not empty as a JSON object. Errors name the line.
Result<std::vector<Json>> JsonLines(const std::string& path, std::string_view text);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_WORKLOAD_DATASET_FILE_H_
