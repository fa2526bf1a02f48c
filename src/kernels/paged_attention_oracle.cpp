// SPDX-License-Identifier: Apache-2.0
#include "kernels/paged_attention_oracle.h"

#include <algorithm>
#include <ostream>

namespace weir {

std::ostream& operator<<(std::ostream& out, const AttnTestShape& s) {
  return out << "heads " << s.hq << "/" << s.hkv << " d " << s.d << " page_len " << s.page_len
             << (s.dtype == KvDType::kInt8 ? " int8" : "");
}

Content::Content(const AttnTestShape& s, int32_t len, uint32_t seed, float k_size)
    : shape(s),
      kv_len(len),
      q(RandomBf16(int64_t{len} * s.hq * s.d, seed)),
      k(RandomBf16(int64_t{len} * s.hkv * s.d, seed + 1000, k_size)),
      v(RandomBf16(int64_t{len} * s.hkv * s.d, seed + 2000)) {}

void Content::CopyPrefix(const Content& other, int32_t len) {
  const int64_t count = int64_t{len} * shape.hkv * shape.d;
  std::copy_n(other.k.begin(), count, k.begin());
  std::copy_n(other.v.begin(), count, v.begin());
}

Content::Quantised Content::Quantise(const std::vector<Bf16>& x, int32_t t, int32_t head) const {
  const Bf16* from = x.data() + (int64_t{t} * shape.hkv + head) * shape.d;
  Quantised result{0, std::vector<int8_t>(shape.d)};
  for (int32_t i = 0; i < shape.d; ++i) {
    result.scale = std::max(result.scale, std::abs(ToFloat(from[i])) / 127);
  }
  for (int32_t i = 0; i < shape.d && result.scale > 0; ++i) {
    result.whole[i] = static_cast<int8_t>(std::nearbyint(ToFloat(from[i]) / result.scale));
  }
  return result;
}

std::vector<float> Content::Stored(const std::vector<Bf16>& x) const {
  std::vector<float> stored(x.size());
  for (size_t i = 0; i < x.size(); ++i) stored[i] = ToFloat(x[i]);
  if (shape.dtype == KvDType::kBf16) return stored;
  for (int32_t t = 0; t < kv_len; ++t) {
    for (int32_t head = 0; head < shape.hkv; ++head) {
      const Quantised quantised = Quantise(x, t, head);
      float* to = stored.data() + (int64_t{t} * shape.hkv + head) * shape.d;
      for (int32_t i = 0; i < shape.d; ++i) to[i] = quantised.scale * quantised.whole[i];
    }
  }
  return stored;
}

AttentionOracle::AttentionOracle(const Content& content, const AttnFeatures& features,
                                 const Sequence& seq, float scale)
    : content_(content),
      features_(features),
      seq_(seq),
      scale_(scale),
      k_(content.Stored(content.k)),
      v_(content.Stored(content.v)) {}

AttentionOracle::Head AttentionOracle::At(int32_t position, int32_t head) const {
  const int32_t d = content_.shape.d;
  const int32_t kv_head = head / content_.shape.group();
  const std::vector<double> weight = Weights(position, head);
  Head result{std::vector<double>(d), std::vector<double>(d)};
  result.tokens = static_cast<double>(weight.size());
  for (size_t t = 0; t < weight.size(); ++t) {
    const float* v = v_.data() + (t * content_.shape.hkv + kv_head) * d;
    for (int32_t i = 0; i < d; ++i) {
      result.mean[i] += weight[t] * v[i];
      result.spread[i] += weight[t] * v[i] * weight[t] * v[i];
      result.largest = std::max(result.largest, std::abs(weight[t] * v[i]));
    }
  }
  for (double& spread : result.spread) spread = std::sqrt(spread);
  return result;
}

double AttentionOracle::Score(int32_t position, int32_t head, int32_t t) const {
  const AttnTestShape& s = content_.shape;
  const Bf16* q = content_.q.data() + (int64_t{position} * s.hq + head) * s.d;
  const float* k = k_.data() + (int64_t{t} * s.hkv + head / s.group()) * s.d;
  double score = 0;
  for (int32_t i = 0; i < s.d; ++i) score += double{ToFloat(q[i])} * k[i];
  score *= scale_;
  const double cap = features_.softcap;
  return cap > 0 ? cap * std::tanh(score / cap) : score;
}

std::vector<double> AttentionOracle::Weights(int32_t position, int32_t head) const {
  const int32_t end = features_.causal ? position + 1 : seq_.kv_len;
  const int32_t begin = features_.window > 0 ? std::max(0, position + 1 - features_.window) : 0;
  const double sink = features_.sinks != nullptr ? features_.sinks[head] : -1e300;
  std::vector<double> weight(end);
  double largest = sink;
  for (int32_t t = begin; t < end; ++t) {
    largest = std::max(largest, weight[t] = Score(position, head, t));
  }
  double sum = std::exp(sink - largest);
  for (int32_t t = begin; t < end; ++t) sum += weight[t] = std::exp(weight[t] - largest);
  for (double& w : weight) w /= sum;
  return weight;
}

}  // namespace weir
