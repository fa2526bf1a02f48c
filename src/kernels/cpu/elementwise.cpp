// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/elementwise.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cpu/parallel.h"

namespace weir::cpu {
namespace {

// Less than this many elements per worker are done before a sleeping worker is awake.
constexpr int64_t kGrainElements = 8192;

int64_t RowGrain(int64_t elements_per_row) {
  return std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, elements_per_row));
}

// Whether row `row` goes to the same page as the row before it.
bool ContinuesPage(const QkvPrepareArgs& args, int64_t row) {
  const int32_t slot = args.kv_slot[row];
  const int32_t before = args.kv_slot[row - 1];
  return slot >= 0 && before >= 0 && slot / args.kv.page_len == before / args.kv.page_len;
}

// A page of a head is written by one worker, in ascending order: the first token zeroes the page's
// values, and two tokens share each 4-byte word. So an edge between two workers moves up to the
// next row that starts a page; a worker owns the pages that start in its rows.
int64_t MoveToPageStart(const QkvPrepareArgs& args, int64_t row) {
  while (row > 0 && row < args.rows && ContinuesPage(args, row)) ++row;
  return row;
}

}  // namespace

template <const ElementwiseIsa& kIsa>
void Elementwise<kIsa>::Embed(const EmbedArgs& args, Stream stream) {
  ForRanges(stream, args.rows, RowGrain(args.table.k),
            [&](int64_t begin, int64_t end) { kIsa.embed(args, begin, end); });
}

template <const ElementwiseIsa& kIsa>
void Elementwise<kIsa>::RmsNorm(const RmsNormArgs& args, Stream stream) {
  ForRanges(stream, args.rows, RowGrain(args.dim),
            [&](int64_t begin, int64_t end) { kIsa.rms_norm(args, begin, end); });
}

template <const ElementwiseIsa& kIsa>
void Elementwise<kIsa>::SiluMul(const SiluMulArgs& args, Stream stream) {
  ForRanges(stream, int64_t{args.rows} * args.dim, kGrainElements / 4,
            [&](int64_t begin, int64_t end) { kIsa.silu_mul(args, begin, end); });
}

// The work is cut by rows; where there are few rows also by KV heads, each with its query heads. A
// unit is one row of one of these parts; units of a part are consecutive.
template <const ElementwiseIsa& kIsa>
void Elementwise<kIsa>::QkvPrepare(const QkvPrepareArgs& args, Stream stream) {
  const int32_t heads = args.kv.num_kv_heads;
  const int32_t group = args.num_q_heads / heads;
  WEIR_CHECK_EQ(group * heads, args.num_q_heads);
  WEIR_CHECK_LE(args.kv.head_dim, kMaxHeadDim);
  if (args.rows == 0) return;
  const int32_t parts = args.rows >= 4 * NumThreads(stream) ? 1 : heads;
  const int32_t part_heads = heads / parts;
  const int64_t row_elements = (int64_t{group} + 2) * part_heads * args.kv.head_dim;
  const auto run = [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end;) {
      const int64_t part = unit / args.rows;
      const int64_t row = unit % args.rows;
      const int64_t row_end = std::min<int64_t>(args.rows, row + end - unit);
      const auto head = static_cast<int32_t>(part * part_heads);
      kIsa.prepare_q(args, {row, row_end, head * group, (head + part_heads) * group});
      kIsa.append_kv(args, {MoveToPageStart(args, row), MoveToPageStart(args, row_end), head,
                            head + part_heads});
      unit += row_end - row;
    }
  };
  ForRanges(stream, args.rows * int64_t{parts}, RowGrain(row_elements), run);
}

template struct Elementwise<kElementwiseAvx2>;
template struct Elementwise<kElementwiseAvx512>;

}  // namespace weir::cpu
