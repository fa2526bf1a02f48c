// SPDX-License-Identifier: Apache-2.0
//
// The subcommands of the one binary. Each adds itself, its options and its help to the parser, and
// leaves the process's exit code in `exit_code` when it has run: 0 done, 1 failed, 2 used wrongly,
// 130 interrupted.
#ifndef WEIR_CLI_COMMANDS_H_
#define WEIR_CLI_COMMANDS_H_

namespace CLI {
class App;
}

namespace weir {

void AddGenerate(CLI::App& app, int& exit_code);
void AddChat(CLI::App& app, int& exit_code);
void AddDoctor(CLI::App& app, int& exit_code);
void AddServe(CLI::App& app, int& exit_code);
void AddSynth(CLI::App& app, int& exit_code);
void AddPlan(CLI::App& app, int& exit_code);
void AddBench(CLI::App& app, int& exit_code);
void AddTune(CLI::App& app, int& exit_code);
void AddExplain(CLI::App& app, int& exit_code);

}  // namespace weir

#endif  // WEIR_CLI_COMMANDS_H_
