// SPDX-License-Identifier: Apache-2.0
#include "server/api/admission.h"

#include <gtest/gtest.h>

#include "server/api/json_budget.h"

namespace weir {
namespace {

TEST(Admission, CountsUntilPlacesAreGivenBack) {
  Admission admission(/*max_requests=*/2, /*max_tokens=*/100);
  auto first = admission.TryEnter({1, 40});
  auto second = admission.TryEnter({1, 40});
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(admission.TryEnter({1, 1}));
  EXPECT_TRUE(admission.requests_full());
  first.reset();
  EXPECT_FALSE(admission.TryEnter({1, 61})) << "40 wait already";
  EXPECT_TRUE(admission.TryEnter({1, 60}));
  second.reset();
  EXPECT_EQ(admission.queued().requests, 0);
  EXPECT_EQ(admission.queued().tokens, 0);
}

TEST(Admission, WhatIsAloneIsTaken) {
  Admission admission(1, 10);
  auto place = admission.TryEnter({5, 1000});
  ASSERT_TRUE(place);
  EXPECT_TRUE(place->Resize({9, 2000})) << "it is still alone";
  EXPECT_FALSE(admission.TryEnter({1, 1}));
}

TEST(Admission, ZeroMeansNoLimit) {
  Admission admission(0, 0);
  auto first = admission.TryEnter({1000000, 1000000000});
  EXPECT_TRUE(admission.TryEnter({1000000, 1000000000}));
}

TEST(QueuePlace, ShrinksAlwaysAndGrowsWhereThereIsRoom) {
  Admission admission(10, 100);
  auto other = admission.TryEnter({1, 50});
  auto place = admission.TryEnter({1, 10});
  EXPECT_FALSE(place->Resize({1, 51}));
  EXPECT_EQ(admission.queued().tokens, 60) << "a refusal changes nothing";
  EXPECT_TRUE(place->Resize({2, 50}));
  EXPECT_TRUE(place->Resize({2, 1}));
  place->Leave(1);
  EXPECT_EQ(admission.queued().requests, 2);
  place->Leave(100);  // more than is left
  EXPECT_EQ(admission.queued().requests, 1);
  EXPECT_EQ(admission.queued().tokens, 50);
}

TEST(QueuePlace, MovesWithoutCountingTwice) {
  Admission admission(10, 100);
  auto place = admission.TryEnter({1, 10});
  QueuePlace moved = std::move(*place);
  place.reset();
  EXPECT_EQ(admission.queued().tokens, 10);
  moved = QueuePlace();
  EXPECT_EQ(admission.queued().tokens, 0);
  moved.Leave(5);
  EXPECT_FALSE(moved.Resize({1, 1})) << "it holds no place";
}

TEST(CountJsonValues, IsNeverBelowWhatThereIs) {
  EXPECT_GE(CountJsonValues("[1,2,3]"), 4);
  EXPECT_GE(CountJsonValues("[[],[],[]]"), 4);
  EXPECT_EQ(CountJsonValues(R"({"a,b[": "c,\",{["})"), 2) << "what stands in strings is no value";
  EXPECT_EQ(CountJsonValues("\"\\"), 1) << "a text cut short";
  EXPECT_EQ(CountJsonValues(""), 1);
}

}  // namespace
}  // namespace weir
