// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C as a flag: the first one asks for a clean end, the second ends the process at once.
#ifndef WEIR_CLI_INTERRUPT_H_
#define WEIR_CLI_INTERRUPT_H_

namespace weir {

void CatchInterrupt();  // again after an interrupt: forgets it, and catches the next one
bool Interrupted();
bool Terminated();  // by SIGTERM, which asks for the program's end and not only the answer's

}  // namespace weir

#endif  // WEIR_CLI_INTERRUPT_H_
