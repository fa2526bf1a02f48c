// SPDX-License-Identifier: Apache-2.0
//
// Every class of row and every branch of the older generations.
#include "attention/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include "attention/planner_test_util.h"

namespace weir {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr AttnRoute kNone = AttnRoute::kNone;
constexpr AttnRoute kDecode = AttnRoute::kDecode;
constexpr AttnRoute kFresh = AttnRoute::kFresh;
constexpr AttnRoute kPrefix = AttnRoute::kPrefix;
constexpr AttnRoute kVarlen = AttnRoute::kVarlen;

// The kinds of row, as {new tokens, tokens after the step}.
constexpr SeqLengths kADecode = {1, 2500};
constexpr SeqLengths kAFresh = {100, 100};
constexpr SeqLengths kACached = {100, 2500};
constexpr SeqLengths kAPadding = {0, 2500};

AttnPolicy Named(const char* name) { return ParseAttnPolicy(name).value(); }

struct Routed {
  std::vector<AttnRoute> routes;
  std::vector<std::string> reasons;
  StepRoute step;
};

Routed Route(const std::vector<SeqLengths>& seqs, const AttnPolicy& policy,
             const AttnShape& shape = Qwen3_8b()) {
  const TestBatch batch(seqs);
  std::vector<AttnDecision> decisions(seqs.size());
  Routed routed = {.step = RouteStep(batch.view(), shape, policy, decisions)};
  for (const AttnDecision& decision : decisions) {
    routed.routes.push_back(decision.route);
    routed.reasons.emplace_back(decision.reason);
    EXPECT_EQ(decision.splits, 0);
  }
  return routed;
}

// Four query heads share a KV head, so 16 rows are as many as a decode packs.
TEST(RouteRows, EachRowIsLookedAtAlone) {
  struct Case {
    SeqLengths row;
    AttnRoute route;
  };
  const Case kCases[] = {
      {{0, 0}, kNone},     {{0, 1}, kNone},        {{0, 2500}, kNone},
      {{1, 1}, kDecode},   {{1, 2}, kDecode},      {{1, 1 << 20}, kDecode},
      {{2, 2}, kDecode},   {{16, 16}, kDecode},    {{16, 1000}, kDecode},
      {{17, 17}, kFresh},  {{2500, 2500}, kFresh}, {{1 << 20, 1 << 20}, kFresh},
      {{17, 18}, kPrefix}, {{512, 2512}, kPrefix}, {{17, 1 << 20}, kPrefix},
  };
  std::vector<SeqLengths> all;
  std::vector<AttnRoute> wanted;
  for (const Case& c : kCases) {
    EXPECT_THAT(Route({c.row}, {}).routes, ElementsAre(c.route))
        << c.row.q_len << "/" << c.row.kv_len;
    all.push_back(c.row);
    wanted.push_back(c.route);
  }
  EXPECT_EQ(Route(all, {}).routes, wanted) << "rows in one step route as they do alone";
}

TEST(RouteRows, TheGroupDecidesWhatADecodeIs) {
  struct Case {
    int32_t q_heads;
    int32_t most_rows;  // that still count as a decode of one KV head
  };
  for (const Case& c : {Case{1, 64}, {2, 32}, {3, 21}, {16, 4}, {64, 1}}) {
    const AttnShape shape = {.num_q_heads = c.q_heads, .num_kv_heads = 1, .head_dim = 64};
    const SeqLengths most = {c.most_rows, 5000};
    const SeqLengths more = {c.most_rows + 1, 5000};
    EXPECT_THAT(Route({most, more}, {}, shape).routes, ElementsAre(kDecode, kPrefix)) << c.q_heads;
  }
  const AttnShape wide = {.num_q_heads = 71, .num_kv_heads = 1, .head_dim = 64};
  EXPECT_THAT(Route({{1, 1}, {1, 9}}, {}, wide).routes, ElementsAre(kFresh, kPrefix))
      << "one row already exceeds what a decode packs";
}

// What makes a layer ineligible for the contiguous kernel of the older generations, and more.
std::vector<AttnShape> FeatureShapes() {
  std::vector<AttnShape> shapes(6, Qwen3_8b());
  shapes[1].sinks = true;
  shapes[2].window = 128;
  shapes[3].softcap = true;
  shapes[4].kv_dtype = KvDType::kInt8;
  shapes[5].causal = false;
  return shapes;
}

TEST(RouteRows, FeaturesAreFlagsOfTheSameKernels) {
  for (const AttnShape& shape : FeatureShapes()) {
    const Routed routed = Route({kADecode, kAFresh, kACached, kAPadding}, {}, shape);
    EXPECT_THAT(routed.routes, ElementsAre(kDecode, kFresh, kPrefix, kNone));
    EXPECT_FALSE(routed.step.one_call);
  }
}

// Branch by branch; the number is that of router.h.
TEST(RouteStep, BranchesOfTheOlderGenerations) {
  struct Case {
    int branch;
    std::vector<SeqLengths> rows;
    std::vector<AttnRoute> before;
    std::vector<AttnRoute> pr85;
  };
  const Case kCases[] = {
      {1, {kADecode}, {kDecode}, {kDecode}},
      {1, {kADecode, kADecode, kAPadding}, {kDecode, kDecode, kNone}, {kDecode, kDecode, kNone}},
      {1, {{1, 1}}, {kDecode}, {kDecode}},
      {1, {kAPadding}, {kNone}, {kNone}},
      {2, {kAFresh}, {kFresh}, {kFresh}},
      {2, {{2, 2}, kAFresh}, {kFresh, kFresh}, {kFresh, kFresh}},
      {3, {kADecode, kAFresh}, {kVarlen, kVarlen}, {kDecode, kFresh}},
      {3, {kADecode, kAFresh, kAPadding}, {kVarlen, kVarlen, kNone}, {kDecode, kFresh, kNone}},
      {4, {kACached}, {kVarlen}, {kVarlen}},
      {4, {kAFresh, kACached}, {kVarlen, kVarlen}, {kVarlen, kVarlen}},
      {4, {kADecode, kACached}, {kVarlen, kVarlen}, {kVarlen, kVarlen}},
      {4, {kADecode, kAFresh, kACached}, {kVarlen, kVarlen, kVarlen}, {kVarlen, kVarlen, kVarlen}},
      // A row of two tokens is no decode, however much is cached.
      {4, {{2, 2500}}, {kVarlen}, {kVarlen}},
  };
  for (const Case& c : kCases) {
    const Routed before = Route(c.rows, Named("before"));
    const Routed pr85 = Route(c.rows, Named("pr85"));
    EXPECT_EQ(before.routes, c.before) << "branch " << c.branch;
    EXPECT_EQ(pr85.routes, c.pr85) << "branch " << c.branch;
    EXPECT_EQ(before.step.one_call, c.branch >= 3) << "branch " << c.branch;
    EXPECT_EQ(pr85.step.one_call, c.branch == 4) << "branch " << c.branch;
  }
}

// Decodes alone mind only sinks; the contiguous kernel takes plain causal layers of bf16 keys.
TEST(RouteStep, FeaturesSendOlderGenerationsToTheOneCall) {
  const std::vector<AttnShape> shapes = FeatureShapes();
  for (size_t i = 0; i < shapes.size(); ++i) {
    const bool plain = i == 0;
    const bool sinks = shapes[i].sinks;
    for (const char* name : {"before", "pr85"}) {
      const AttnPolicy policy = Named(name);
      EXPECT_THAT(Route({kADecode}, policy, shapes[i]).routes,
                  ElementsAre(sinks ? kVarlen : kDecode))
          << name << " shape " << i;
      EXPECT_THAT(Route({kAFresh}, policy, shapes[i]).routes, ElementsAre(plain ? kFresh : kVarlen))
          << name << " shape " << i;
    }
    const Routed mixed = Route({kADecode, kAFresh}, Named("pr85"), shapes[i]);
    EXPECT_THAT(mixed.routes, ElementsAre(plain ? kDecode : kVarlen, plain ? kFresh : kVarlen))
        << i;
  }
}

// Where the split count comes from, by branch and by whether the step fits a captured graph.
TEST(RouteStep, GatesOfTheSplitRules) {
  struct Case {
    std::vector<SeqLengths> rows;
    SplitMode before;
    SplitMode pr85;
  };
  const SeqLengths fits = {511, 511};
  const SeqLengths exceeds = {512, 512};
  const SeqLengths cached_fits = {511, 600};
  const SeqLengths cached_exceeds = {512, 600};
  const Case kCases[] = {
      {{kADecode}, SplitMode::kRule, SplitMode::kRule},
      {Decodes(std::vector<int32_t>(512, 9)), SplitMode::kRule, SplitMode::kRule},
      {Decodes(std::vector<int32_t>(513, 9)), SplitMode::kHeuristic, SplitMode::kHeuristic},
      // Cut in two: the decodes get no scheduler metadata, whether or not the step is captured.
      {{kADecode, fits}, SplitMode::kRule, SplitMode::kUnsplit},
      {{kADecode, exceeds}, SplitMode::kHeuristic, SplitMode::kUnsplit},
      // One call, with metadata.
      {{kADecode, cached_fits}, SplitMode::kRule, SplitMode::kRule},
      {{kADecode, cached_exceeds}, SplitMode::kHeuristic, SplitMode::kHeuristic},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Route(c.rows, Named("before")).step.splits, c.before);
    EXPECT_EQ(Route(c.rows, Named("pr85")).step.splits, c.pr85);
  }
}

TEST(RouteStep, WithoutGraphsTheGatedRulesNeverApply) {
  for (const char* name : {"before", "pr85"}) {
    AttnPolicy policy = Named(name);
    policy.max_captured_tokens = 0;
    EXPECT_EQ(Route({kADecode}, policy).step.splits, SplitMode::kHeuristic) << name;
  }
}

TEST(RouteStep, UngatedRulesApplyToEveryStep) {
  const std::vector<SeqLengths> steps[] = {
      {kADecode}, {kADecode, kAFresh}, {kADecode, {4096, 4096}}, {kADecode, {4096, 5000}}};
  for (const KvSplitRule rule : {KvSplitRule::kFixed, KvSplitRule::kBatch, KvSplitRule::kPlanned}) {
    for (const AttnRouting routing :
         {AttnRouting::kBatchPaged, AttnRouting::kBatch, AttnRouting::kRow}) {
      const AttnPolicy policy = {.routing = routing, .splits = rule};
      for (const auto& rows : steps) EXPECT_EQ(Route(rows, policy).step.splits, SplitMode::kRule);
    }
  }
}

TEST(RouteStep, RowRoutingKeepsTheGatesOfGatedRules) {
  for (const KvSplitRule rule : {KvSplitRule::kFixedGated, KvSplitRule::kBatchGated}) {
    const AttnPolicy policy = {.splits = rule};
    EXPECT_EQ(Route({kADecode, kAFresh}, policy).step.splits, SplitMode::kRule);
    EXPECT_EQ(Route({kADecode, {512, 512}}, policy).step.splits, SplitMode::kHeuristic);
  }
}

// Under batch invariance the older generations do not split, whatever else holds.
TEST(RouteStep, BatchInvarianceSetsOneSplitLast) {
  for (const char* name : {"before", "pr85"}) {
    AttnPolicy policy = Named(name);
    policy.batch_invariant = true;
    for (const auto& rows :
         {std::vector{kADecode}, {kADecode, kAFresh}, {kADecode, {4096, 5000}}}) {
      EXPECT_EQ(Route(rows, policy).step.splits, SplitMode::kUnsplit) << name;
    }
  }
  const AttnPolicy batch = {.splits = KvSplitRule::kBatch, .batch_invariant = true};
  EXPECT_EQ(Route({kADecode}, batch).step.splits, SplitMode::kUnsplit);
  for (const KvSplitRule rule : {KvSplitRule::kFixed, KvSplitRule::kPlanned}) {
    const AttnPolicy asked = {.splits = rule, .batch_invariant = true};
    EXPECT_EQ(Route({kADecode}, asked).step.splits, SplitMode::kRule) << "segments keep the bits";
  }
}

TEST(RouteStep, ReasonsSayWhatDecided) {
  EXPECT_THAT(Route({kADecode, kAFresh, kACached, kAPadding}, {}).reasons,
              ElementsAre("few query rows share each key: memory is the limit",
                          "nothing cached: its keys are its own new tokens",
                          "many query rows over a cached prefix", "no new token"));
  EXPECT_THAT(Route({kADecode, kAFresh}, Named("pr85")).reasons,
              Each("mixed step, nothing cached: cut in two"));
  EXPECT_THAT(
      Route({kADecode, kACached, kAPadding}, Named("pr85")).reasons,
      ElementsAre("the whole step is one paged call: mixed, a cached prefix or a feature in it",
                  "the whole step is one paged call: mixed, a cached prefix or a feature in it",
                  "no new token"));
}

TEST(RouteStep, ANameForEveryRoute) {
  EXPECT_STREQ(ToString(kNone), "none");
  EXPECT_STREQ(ToString(kDecode), "decode");
  EXPECT_STREQ(ToString(kFresh), "fresh");
  EXPECT_STREQ(ToString(kPrefix), "prefix");
  EXPECT_STREQ(ToString(kVarlen), "varlen");
}

}  // namespace
}  // namespace weir
