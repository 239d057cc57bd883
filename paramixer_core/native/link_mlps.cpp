// The link MLPs of all factors: Linear - GELU - Linear for a few tokens at a time, in cache.
#include "vectors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace {

thread_local Scratch scratch;
constexpr int64_t TOKENS = 64;  // at a time: their hidden units stay in the first-level cache
constexpr int ROWS = VECTOR_BYTES == 64 ? 8 : 4;

struct Shape {
  int64_t factors, tokens, channels, hidden, links;
};

// A row-major matrix read element by element, so that a transposed one costs nothing.
template <typename T> struct Operand {
  const T *at;
  int64_t row, column;
};

template <typename T, int Rows, int Parts>
inline void tile(int64_t depth, Operand<T> a, const T *b, int64_t b_row, T *c, int64_t c_row,
                 const T *bias, bool add) {
  constexpr int L = LANES<T>;
  Vector<T> sums[Rows][Parts];
  for (int r = 0; r < Rows; ++r)
    for (int p = 0; p < Parts; ++p)
      sums[r][p] = add    ? load(c + r * c_row + p * L)
                   : bias ? load(bias + p * L)
                          : Vector<T>{};
  for (int64_t k = 0; k < depth; ++k) {
    Vector<T> row[Parts];
    for (int p = 0; p < Parts; ++p) row[p] = load(b + k * b_row + p * L);
    for (int r = 0; r < Rows; ++r)
      for (int p = 0; p < Parts; ++p) sums[r][p] += a.at[r * a.row + k * a.column] * row[p];
  }
  for (int r = 0; r < Rows; ++r)
    for (int p = 0; p < Parts; ++p) store(c + r * c_row + p * L, sums[r][p]);
}

template <typename T, int Parts>
inline void tiles(int64_t rows, int64_t depth, Operand<T> a, const T *b, int64_t b_row, T *c,
                  int64_t c_row, const T *bias, bool add) {
  int64_t r = 0;
  for (; r + ROWS <= rows; r += ROWS)
    tile<T, ROWS, Parts>(depth, {a.at + r * a.row, a.row, a.column}, b, b_row, c + r * c_row,
                         c_row, bias, add);
  for (; r + 2 <= rows; r += 2)
    tile<T, 2, Parts>(depth, {a.at + r * a.row, a.row, a.column}, b, b_row, c + r * c_row, c_row,
                      bias, add);
  for (; r < rows; ++r)
    tile<T, 1, Parts>(depth, {a.at + r * a.row, a.row, a.column}, b, b_row, c + r * c_row, c_row,
                      bias, add);
}

// c = a b (+ bias, one for each column) (+ c, if `add`); b and c have whole vectors of columns.
template <typename T>
void multiply(int64_t rows, int64_t columns, int64_t depth, Operand<T> a, const T *b, int64_t b_row,
              T *c, int64_t c_row, const T *bias = nullptr, bool add = false) {
  constexpr int L = LANES<T>;
  int64_t j = 0;
  for (; j + 2 * L <= columns; j += 2 * L)
    tiles<T, 2>(rows, depth, a, b + j, b_row, c + j, c_row, bias ? bias + j : nullptr, add);
  if (j < columns)
    tiles<T, 1>(rows, depth, a, b + j, b_row, c + j, c_row, bias ? bias + j : nullptr, add);
}

// exp(x) for -87 <= x <= 0 within 2 units in the last place (range reduction as in Cephes).
inline Vector<float> exponential(Vector<float> x) {
  typedef int32_t Integers __attribute__((vector_size(VECTOR_BYTES)));
  const float shift = 12582912.0f;  // adding it rounds to a whole number
  const Vector<float> n = (x * 1.44269504f + shift) - shift;
  const Vector<float> r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Vector<float> p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Integers bits = (__builtin_convertvector(n, Integers) + 127) << 23;
  return p * (Vector<float>)bits;  // the same bits, read as a power of two
}

// GELU and its slope: x P(x) and P(x) + x p(x) with the normal distribution's P and density p.
// erf by Abramowitz and Stegun 7.1.26 (error below 1.5e-7), which shares its exponential with p.
inline void gelu(Vector<float> x, Vector<float> &value, Vector<float> &slope) {
  const Vector<float> most = Vector<float>{} + 9.3f;  // beyond it the tail is 0 in float32
  Vector<float> z = (x < 0.0f ? -x : x) * 0.707106781f;
  z = z < most ? z : most;
  const Vector<float> t = reciprocal(1.0f + 0.3275911f * z);
  Vector<float> p = t * 1.061405429f - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Vector<float> e = exponential(-z * z);
  const Vector<float> tail = 0.5f * p * t * e;
  const Vector<float> below = x < 0.0f ? tail : 1.0f - tail;
  value = x * below;
  slope = below + x * e * 0.398942280f;
}

inline void gelu(Vector<double> x, Vector<double> &value, Vector<double> &slope) {
  for (int j = 0; j < LANES<double>; ++j) {
    const double below = 0.5 * std::erfc(-x[j] * 0.70710678118654752440);
    value[j] = x[j] * below;
    slope[j] = below + x[j] * std::exp(-0.5 * x[j] * x[j]) * 0.39894228040143267794;
  }
}

// Copy a matrix, transposed if asked, into rows of a whole number of vectors, filled with zeros.
template <typename T>
void pack(T *to, int64_t to_row, int64_t rows, int64_t columns, const T *from, int64_t row_step,
          int64_t column_step) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < to_row; ++c)
      to[r * to_row + c] = c < columns ? from[r * row_step + c * column_step] : T(0);
}

// Rows of `width` from rows of whole vectors; each store may overhang into the row after it.
template <typename T>
void narrow(T *to, int64_t width, const T *from, int64_t from_row, int64_t rows) {
  constexpr int L = LANES<T>;
  const int64_t safe = std::max<int64_t>(0, rows - (from_row + width - 1) / width);
  for (int64_t r = 0; r < safe; ++r)
    for (int64_t c = 0; c < from_row; c += L) store(to + r * width + c, load(from + r * from_row + c));
  for (int64_t r = safe; r < rows; ++r)
    std::memcpy(to + r * width, from + r * from_row, width * sizeof(T));
}

// Weights of one factor after another, packed for the products below.
template <typename T> struct Packed {
  int64_t d, h, k;                   // rows of channels, hidden units, links, in whole vectors
  T *first_turned, *first_biases, *second_turned, *second_biases, *firsts, *seconds;
  int64_t size;

  Packed(const Shape &s, T *memory, bool both) {
    d = round_up(s.channels, LANES<T>);
    h = round_up(s.hidden, LANES<T>);
    k = round_up(s.links, LANES<T>);
    first_turned = memory;
    first_biases = first_turned + s.factors * s.channels * h;
    second_turned = first_biases + s.factors * h;
    second_biases = second_turned + s.factors * s.hidden * k;
    firsts = second_biases + s.factors * k;
    seconds = firsts + s.factors * s.hidden * d;
    size = s.factors * (s.channels * h + h + s.hidden * k + k);
    if (both) size += s.factors * (s.hidden * d + s.links * h);
  }
  void fill(const Shape &s, const T *w1, const T *b1, const T *w2, const T *b2, bool both) {
    for (int64_t m = 0; m < s.factors; ++m) {
      const T *w1_m = w1 + m * s.hidden * s.channels, *w2_m = w2 + m * s.links * s.hidden;
      pack(first_turned + m * s.channels * h, h, s.channels, s.hidden, w1_m, 1, s.channels);
      pack(first_biases + m * h, h, 1, s.hidden, b1 + m * s.hidden, 0, 1);
      pack(second_turned + m * s.hidden * k, k, s.hidden, s.links, w2_m, 1, s.hidden);
      if (b2) pack(second_biases + m * k, k, 1, s.links, b2 + m * s.links, 0, 1);
      if (!both) continue;
      pack(firsts + m * s.hidden * d, d, s.hidden, s.channels, w1_m, s.channels, 1);
      pack(seconds + m * s.links * h, h, s.links, s.hidden, w2_m, s.hidden, 1);
    }
  }
};

struct Blocks {
  int64_t first, last;
  explicit Blocks(const Shape &s) {
    const int64_t blocks = (s.tokens + TOKENS - 1) / TOKENS;
    first = blocks * thread_number() / team_size();
    last = blocks * (thread_number() + 1) / team_size();
  }
};

// Hidden units of one factor for some tokens, and, if asked, the slope of GELU at each.
template <typename T>
void hidden_units(const Shape &s, const Packed<T> &w, int64_t m, const T *tokens, int64_t count,
                  T *units, T *slopes) {
  constexpr int L = LANES<T>;
  multiply<T>(count, w.h, s.channels, {tokens, s.channels, 1}, w.first_turned + m * s.channels * w.h,
              w.h, units, w.h, w.first_biases + m * w.h);
  Vector<T> value, slope;
  for (int64_t i = 0; i < count * w.h; i += L) {
    gelu(load(units + i), value, slope);
    store(units + i, value);
    if (slopes) store(slopes + i, slope);
  }
}

template <typename T>
int forward(const T *tokens, const T *w1, const T *b1, const T *w2, const T *b2, Shape s,
            int threads, T *result) {
  const Packed<T> sizes(s, nullptr, false);
  const int64_t shared = sizes.size;
  const int64_t own = TOKENS * (sizes.h + sizes.k);
  T *memory = static_cast<T *>(scratch.take((shared + threads * own + 64) * sizeof(T)));
  if (memory == nullptr) return 1;
  Packed<T> w(s, memory, false);
  w.fill(s, w1, b1, w2, b2, false);
#pragma omp parallel num_threads(threads)
  {
    T *units = memory + shared + thread_number() * own, *weights = units + TOKENS * w.h;
    const Blocks mine(s);
    for (int64_t block = mine.first; block < mine.last; ++block) {
      const int64_t at = block * TOKENS, count = std::min(TOKENS, s.tokens - at);
      for (int64_t m = 0; m < s.factors; ++m) {
        hidden_units<T>(s, w, m, tokens + at * s.channels, count, units, nullptr);
        multiply<T>(count, w.k, s.hidden, {units, w.h, 1}, w.second_turned + m * s.hidden * w.k, w.k,
                    weights, w.k, w.second_biases + m * w.k);
        narrow(result + (m * s.tokens + at) * s.links, s.links, weights, w.k, count);
      }
    }
  }
  return 0;
}

template <typename T>
int backward(const T *grad, const T *tokens, const T *w1, const T *b1, const T *w2, Shape s,
             int threads, T *grad_tokens, T *grad_w1, T *grad_b1, T *grad_w2, T *grad_b2) {
  const Packed<T> sizes(s, nullptr, true);
  const int64_t shared = sizes.size;
  // Per factor: gradients of the first layer (turned), its bias, the second layer, its bias.
  const int64_t h = sizes.h, d = sizes.d, k = sizes.k;
  const int64_t in_first = s.channels * h, in_second = s.links * h;
  const int64_t sums = s.factors * (in_first + h + in_second + k);
  const int64_t own = sums + TOKENS * (3 * h + d);
  T *memory = static_cast<T *>(scratch.take((shared + threads * own + 64) * sizeof(T)));
  if (memory == nullptr) return 1;
  Packed<T> w(s, memory, true);
  w.fill(s, w1, b1, w2, nullptr, true);
  std::memset(memory + shared, 0, threads * own * sizeof(T));
#pragma omp parallel num_threads(threads)
  {
    constexpr int L = LANES<T>;
    T *mine = memory + shared + thread_number() * own;
    T *units = mine + sums, *slopes = units + TOKENS * h, *back = slopes + TOKENS * h;
    T *to_tokens = back + TOKENS * h;
    const Blocks blocks(s);
    for (int64_t block = blocks.first; block < blocks.last; ++block) {
      const int64_t at = block * TOKENS, count = std::min(TOKENS, s.tokens - at);
      const T *read = tokens + at * s.channels;
      for (int64_t m = 0; m < s.factors; ++m) {
        T *g_first = mine + m * (in_first + h + in_second + k), *g_first_bias = g_first + in_first;
        T *g_second = g_first_bias + h, *g_second_bias = g_second + in_second;
        const T *g = grad + (m * s.tokens + at) * s.links;
        hidden_units<T>(s, w, m, read, count, units, slopes);
        multiply<T>(s.links, h, count, {g, 1, s.links}, units, h, g_second, h, nullptr, true);
        for (int64_t i = 0; i < count; ++i)
          for (int64_t j = 0; j < s.links; ++j) g_second_bias[j] += g[i * s.links + j];
        multiply<T>(count, h, s.links, {g, s.links, 1}, w.seconds + m * s.links * h, h, back, h);
        for (int64_t c = 0; c < h; c += L) {
          Vector<T> sum = load(g_first_bias + c);
          for (int64_t i = c; i < count * h; i += h) {
            const Vector<T> slope = load(back + i) * load(slopes + i);
            store(back + i, slope);
            sum += slope;
          }
          store(g_first_bias + c, sum);
        }
        multiply<T>(s.channels, h, count, {read, 1, s.channels}, back, h, g_first, h, nullptr, true);
        multiply<T>(count, d, s.hidden, {back, h, 1}, w.firsts + m * s.hidden * d, d, to_tokens, d,
                    nullptr, m > 0);
      }
      narrow(grad_tokens + at * s.channels, s.channels, to_tokens, d, count);
    }
  }
  // Add up what the threads found, in their order: the same sum every time.
  for (int64_t m = 0; m < s.factors; ++m) {
    const auto total = [&](int64_t place) {
      T sum = 0;
      for (int t = 0; t < threads; ++t)
        sum += memory[shared + t * own + m * (in_first + h + in_second + k) + place];
      return sum;
    };
    for (int64_t j = 0; j < s.hidden; ++j) {
      for (int64_t c = 0; c < s.channels; ++c)
        grad_w1[(m * s.hidden + j) * s.channels + c] = total(c * h + j);
      grad_b1[m * s.hidden + j] = total(in_first + j);
    }
    for (int64_t l = 0; l < s.links; ++l) {
      for (int64_t j = 0; j < s.hidden; ++j)
        grad_w2[(m * s.links + l) * s.hidden + j] = total(in_first + h + l * h + j);
      grad_b2[m * s.links + l] = total(in_first + h + in_second + l);
    }
  }
  return 0;
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))
#define DEFINE(T, NAME)                                                                            \
  EXPORT int link_mlps_forward_##NAME(const T *tokens, const T *w1, const T *b1, const T *w2,      \
                                      const T *b2, const int64_t *s, int threads, T *result) {     \
    return forward<T>(tokens, w1, b1, w2, b2, {s[0], s[1], s[2], s[3], s[4]}, threads, result);    \
  }                                                                                                \
  EXPORT int link_mlps_backward_##NAME(const T *grad, const T *tokens, const T *w1, const T *b1,   \
                                       const T *w2, const int64_t *s, int threads, T *grad_tokens, \
                                       T *grad_w1, T *grad_b1, T *grad_w2, T *grad_b2) {           \
    return backward<T>(grad, tokens, w1, b1, w2, {s[0], s[1], s[2], s[3], s[4]}, threads,          \
                       grad_tokens, grad_w1, grad_b1, grad_w2, grad_b2);                           \
  }

DEFINE(float, float32)
DEFINE(double, float64)
