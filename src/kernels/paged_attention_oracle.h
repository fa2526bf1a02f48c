// SPDX-License-Identifier: Apache-2.0
//
// Content for tests of paged attention, and what must come out, in double precision.
#ifndef WEIR_KERNELS_PAGED_ATTENTION_ORACLE_H_
#define WEIR_KERNELS_PAGED_ATTENTION_ORACLE_H_

#include <cstdint>
#include <iosfwd>
#include <vector>

#include "kernels/kernel_test_util.h"
#include "kernels/paged_attention.h"

namespace weir {

struct AttnTestShape {
  int32_t hq;
  int32_t hkv;
  int32_t d;
  int32_t page_len = 16;
  KvDType dtype = KvDType::kBf16;

  int32_t group() const { return hq / hkv; }
  AttnTestShape With(KvDType type) const { return {hq, hkv, d, page_len, type}; }
};
std::ostream& operator<<(std::ostream& out, const AttnTestShape& shape);

struct Sequence {
  int32_t q_len;
  int32_t kv_len;
};

// Queries, keys and values by position, as a model thinks of them.
struct Content {
  AttnTestShape shape;
  int32_t kv_len;
  std::vector<Bf16> q;  // [kv_len, hq, d]: one for every position, of which batches use the last
  std::vector<Bf16> k;  // [kv_len, hkv, d]
  std::vector<Bf16> v;

  Content(const AttnTestShape& s, int32_t len, uint32_t seed, float k_size = 1.0f);
  // The first `len` positions are those of `other`.
  void CopyPrefix(const Content& other, int32_t len);
  // The keys or values of a token and head as int8 pages hold them.
  struct Quantised {
    float scale;
    std::vector<int8_t> whole;  // [d]
  };
  Quantised Quantise(const std::vector<Bf16>& x, int32_t t, int32_t head) const;
  // All keys or all values, rounded as pages round them.
  std::vector<float> Stored(const std::vector<Bf16>& x) const;
};

// The softmax weighted mean in double precision, from the content itself.
class AttentionOracle {
 public:
  AttentionOracle(const Content& content, const AttnFeatures& features, const Sequence& seq,
                  float scale);

  struct Head {
    std::vector<double> mean;
    std::vector<double> spread;  // sqrt(sum over tokens of (weight * value)^2)
    double largest = 0;          // of weight * value, over all tokens and dims
    double tokens = 0;
  };

  // A query head of the row at `position`.
  Head At(int32_t position, int32_t head) const;

 private:
  double Score(int32_t position, int32_t head, int32_t t) const;
  // Of the tokens from 0; zero for those before the window.
  std::vector<double> Weights(int32_t position, int32_t head) const;

  const Content& content_;
  const AttnFeatures& features_;
  const Sequence seq_;
  const double scale_;
  const std::vector<float> k_, v_;
};

}  // namespace weir

#endif  // WEIR_KERNELS_PAGED_ATTENTION_ORACLE_H_
