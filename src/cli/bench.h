// SPDX-License-Identifier: Apache-2.0
//
// The subcommands of `weir bench`, as commands.h has those of `weir`.
#ifndef WEIR_CLI_BENCH_H_
#define WEIR_CLI_BENCH_H_

namespace CLI {
class App;
}

namespace weir {

void AddBenchAttention(CLI::App& bench, int& exit_code);
void AddBenchMixed(CLI::App& bench, int& exit_code);
void AddBenchServe(CLI::App& bench, int& exit_code);

}  // namespace weir

#endif  // WEIR_CLI_BENCH_H_
