// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.h"

#include <csignal>

namespace weir {
namespace {

// A signal handler can reach nothing else.
volatile std::sig_atomic_t interrupted = 0;  // the signal that came

}  // namespace

void CatchInterrupt() {
  struct sigaction action = {};
  interrupted = 0;
  action.sa_handler = [](int signal) { interrupted = signal; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the next one has its usual effect
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // a reader that left shows as a failed write
}

bool Interrupted() { return interrupted != 0; }
bool Terminated() { return interrupted == SIGTERM; }

}  // namespace weir
