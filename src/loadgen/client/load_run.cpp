// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/load_run.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "loadgen/client/stream_exchange.h"

namespace weir::loadgen {
namespace {

constexpr double kTickSeconds = 0.1;   // progress, interrupts, timeouts
constexpr double kGraceSeconds = 1.0;  // for the end of a body after "[DONE]"

struct Flight {
  size_t request;
  bool reused;  // the connection served another request before
  StreamExchange exchange;
};

class Run : public NetworkHandler {
 public:
  Run(std::span<const LoadRequest> requests, const LoadOptions& options, Network& network)
      : requests_(requests), options_(options), network_(network) {
    result_.outcomes.resize(requests.size());
  }

  LoadResult Go();

  void OnBytes(ConnectionId connection, double now_s, std::string_view bytes) override;
  void OnEnd(ConnectionId connection, double now_s, std::string_view error) override;

 private:
  void Admit(double now_s);
  void Start(size_t request, double due_s);
  void Launch(size_t request, double start_s, double queue_s, bool may_reuse);
  void Finish(ConnectionId connection);
  void Tick(double now_s);
  void NoteBatch();
  void CutOff();
  double NextDeadline() const;

  std::span<const LoadRequest> requests_;
  const LoadOptions& options_;
  Network& network_;
  LoadResult result_;
  size_t next_ = 0;                                // first request whose time has not come
  std::deque<std::pair<size_t, double>> waiting_;  // for a free place, with the time they came
  std::unordered_map<ConnectionId, std::unique_ptr<Flight>> flights_;
  std::vector<ConnectionId> idle_;
  LoadProgress progress_;
  double last_end_s_ = 0;
  double next_tick_s_ = 0;
  double batch_begin_s_ = 0;  // when the first bytes of a batch were read; 0 before
  int64_t batch_reads_ = 0;
  int64_t num_reads_ = 0;
  int64_t num_late_reads_ = 0;
};

LoadResult Run::Go() {
  const double cpu_s = network_.CpuSeconds();
  result_.begin_s = last_end_s_ = network_.Now();
  next_tick_s_ = result_.begin_s + kTickSeconds;
  progress_.num_requests = static_cast<int64_t>(requests_.size());
  while (progress_.num_ended < progress_.num_requests && !result_.interrupted) {
    const double now_s = network_.Now();
    Admit(now_s);
    if (now_s >= next_tick_s_) Tick(now_s);
    if (progress_.num_ended == progress_.num_requests || result_.interrupted) break;
    network_.Wait(NextDeadline(), *this);
    NoteBatch();
  }
  if (result_.interrupted) CutOff();
  Tick(network_.Now());
  for (const ConnectionId connection : idle_) network_.Close(connection);
  result_.duration_s = last_end_s_ - result_.begin_s;
  const double wall_s = network_.Now() - result_.begin_s;
  if (wall_s > 0) result_.health.cpu_share = (network_.CpuSeconds() - cpu_s) / wall_s;
  if (num_reads_ > 0) {
    result_.health.late_share =
        static_cast<double>(num_late_reads_) / static_cast<double>(num_reads_);
  }
  return std::move(result_);
}

double Run::NextDeadline() const {
  if (next_ == requests_.size()) return next_tick_s_;
  return std::min(next_tick_s_, result_.begin_s + requests_[next_].at_s);
}

void Run::Admit(double now_s) {
  while (next_ < requests_.size() && result_.begin_s + requests_[next_].at_s <= now_s) {
    const double lag_s = now_s - result_.begin_s - requests_[next_].at_s;
    result_.health.max_send_lag_s = std::max(result_.health.max_send_lag_s, lag_s);
    waiting_.emplace_back(next_++, now_s);
  }
  const int64_t limit = options_.max_concurrency;
  while (!waiting_.empty() && (limit == 0 || progress_.in_flight < limit)) {
    const auto [request, due_s] = waiting_.front();
    waiting_.pop_front();
    Start(request, due_s);
  }
}

void Run::Start(size_t request, double due_s) {
  ++progress_.in_flight;
  const double start_s = network_.Now();
  Launch(request, start_s, start_s - due_s, true);
}

void Run::Launch(size_t request, double start_s, double queue_s, bool may_reuse) {
  const bool reuse = may_reuse && !idle_.empty();
  const ConnectionId connection = reuse ? idle_.back() : network_.Open();
  if (reuse) idle_.pop_back();
  flights_[connection] = std::make_unique<Flight>(
      Flight{request, reuse, StreamExchange(start_s, queue_s, requests_[request].prompt_tokens)});
  network_.Send(connection, requests_[request].wire);
}

void Run::OnBytes(ConnectionId connection, double now_s, std::string_view bytes) {
  if (batch_begin_s_ == 0) batch_begin_s_ = now_s;
  ++batch_reads_;
  const auto found = flights_.find(connection);
  if (found == flights_.end()) {  // an idle connection on which nothing was asked
    std::erase(idle_, connection);
    network_.Close(connection);
    return;
  }
  StreamExchange& exchange = found->second->exchange;
  const size_t before = exchange.outcome().itls_s.size();
  exchange.OnBytes(now_s, bytes);
  progress_.num_chunks += static_cast<int64_t>(exchange.outcome().itls_s.size() - before);
  if (!exchange.ended()) return;
  last_end_s_ = now_s;
  const bool reusable = exchange.reusable();
  Finish(connection);
  if (reusable) {
    idle_.push_back(connection);
  } else {
    network_.Close(connection);
  }
}

void Run::OnEnd(ConnectionId connection, double now_s, std::string_view error) {
  const auto found = flights_.find(connection);
  if (found == flights_.end()) {
    std::erase(idle_, connection);
    return;
  }
  Flight& flight = *found->second;
  // A kept connection may be ended by the server at the moment at which it is used again.
  if (flight.reused && !flight.exchange.has_answer()) {
    const auto [request, start_s, queue_s] =
        std::tuple(flight.request, flight.exchange.start_s(), flight.exchange.outcome().queue_s);
    flights_.erase(found);
    return Launch(request, start_s, queue_s, false);
  }
  flight.exchange.OnEnd(error);
  last_end_s_ = now_s;
  Finish(connection);
}

void Run::Finish(ConnectionId connection) {
  const auto found = flights_.find(connection);
  RequestOutcome outcome = found->second->exchange.Take();
  if (!options_.keep_texts && outcome.output_tokens.value_or(0) > 0) outcome.text = {};
  progress_.num_failed += outcome.failed();
  ++progress_.num_ended;
  --progress_.in_flight;
  result_.outcomes[found->second->request] = std::move(outcome);
  flights_.erase(found);
}

// Ends what takes too long, and asks whether to go on.
void Run::Tick(double now_s) {
  next_tick_s_ = now_s + kTickSeconds;
  std::vector<ConnectionId> over;
  for (const auto& [connection, flight] : flights_) {
    const double done_at_s = flight->exchange.done_at_s();
    const bool done = done_at_s > 0 && now_s - done_at_s > kGraceSeconds;
    if (done || now_s - flight->exchange.start_s() > options_.timeout_s) over.push_back(connection);
  }
  for (const ConnectionId connection : over) {
    network_.Close(connection);
    StreamExchange& exchange = flights_.at(connection)->exchange;
    const bool done = exchange.done_at_s() > 0;
    exchange.OnEnd(done ? "" : "no end within the time allowed");
    last_end_s_ = done ? exchange.done_at_s() : now_s;
    Finish(connection);
  }
  progress_.elapsed_s = now_s - result_.begin_s;
  if (options_.progress) options_.progress(progress_);
  if (options_.interrupted && options_.interrupted()) result_.interrupted = true;
}

void Run::NoteBatch() {
  if (batch_begin_s_ == 0) return;
  const double busy_s = network_.Now() - batch_begin_s_;
  result_.health.max_busy_s = std::max(result_.health.max_busy_s, busy_s);
  num_reads_ += batch_reads_;
  if (busy_s > ClientHealth::kLateSeconds) num_late_reads_ += batch_reads_;
  batch_begin_s_ = 0;
  batch_reads_ = 0;
}

void Run::CutOff() {
  last_end_s_ = network_.Now();
  while (!flights_.empty()) {
    const ConnectionId connection = flights_.begin()->first;
    network_.Close(connection);
    RequestOutcome outcome = flights_.begin()->second->exchange.Take();
    outcome.state = RequestState::kInterrupted;
    outcome.error = "interrupted";
    result_.outcomes[flights_.begin()->second->request] = std::move(outcome);
    flights_.erase(flights_.begin());
  }
}

}  // namespace

LoadResult RunLoad(std::span<const LoadRequest> requests, const LoadOptions& options,
                   Network& network) {
  WEIR_CHECK(std::is_sorted(requests.begin(), requests.end(),
                            [](const auto& a, const auto& b) { return a.at_s < b.at_s; }));
  return Run(requests, options, network).Go();
}

}  // namespace weir::loadgen
