// SPDX-License-Identifier: Apache-2.0
#include "server/api/generation_registry.h"

#include "server/api/generation.h"

namespace weir {

void GenerationRegistry::Add(const std::shared_ptr<Generation>& generation) {
  MutexLock lock(mutex_);
  all_.emplace(generation.get(), generation);
}

void GenerationRegistry::Remove(const Generation* generation) {
  MutexLock lock(mutex_);
  all_.erase(generation);
  if (all_.empty()) emptied_.NotifyAll();
}

std::vector<std::shared_ptr<Generation>> GenerationRegistry::All() const {
  std::vector<std::shared_ptr<Generation>> result;
  MutexLock lock(mutex_);
  for (const auto& [key, weak] : all_) {
    if (auto generation = weak.lock()) result.push_back(std::move(generation));
  }
  return result;
}

int GenerationRegistry::Abort(const std::string& tenant, const std::string& name) {
  int count = 0;
  for (const auto& generation : All()) {
    const Caller& caller = generation->caller();
    if (caller.tenant != tenant) continue;
    if (caller.label != name && generation->id() != name) continue;
    generation->Stop(StopCause::kAborted);
    ++count;
  }
  return count;
}

void GenerationRegistry::StopAll(StopCause cause) {
  for (const auto& generation : All()) generation->Stop(cause);
}

void GenerationRegistry::WaitUntilEmpty() {
  MutexLock lock(mutex_);
  while (!all_.empty()) emptied_.Wait(mutex_);
}

int64_t GenerationRegistry::size() const {
  MutexLock lock(mutex_);
  return static_cast<int64_t>(all_.size());
}

}  // namespace weir
