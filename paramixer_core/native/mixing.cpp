// The mixing operator: all factors of a block, forward and backward, in one call each.
#include "vectors.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

namespace {

thread_local Scratch scratch;

struct Shape {
  int64_t factors, batch, seq, links, channels;
};

// Where link k finds its value and its weight, as seen from row 0, while no link wraps around.
template <typename T> struct Link {
  const T *values;
  const T *weights;
};

// Rows in stretches in which every link wraps around the ring or does not.
template <typename T> class Stretches {
public:
  explicit Stretches(int64_t count) : links(count) {}

  // Call `run(first, last, links)` for each stretch. `ahead` is how far each link reaches, in
  // 0..seq-1. Its weight lies at the row itself, or, when `turned`, at the row it reaches.
  template <typename Run>
  void each(const int64_t *ahead, const Shape &shape, const T *values, int64_t stride,
            const T *weights, bool turned, int64_t first, int64_t last, Run run) {
    ends.clear();
    for (int64_t k = 0; k < shape.links; ++k)
      if (int64_t end = shape.seq - ahead[k]; end > first && end < last) ends.push_back(end);
    ends.push_back(last);
    std::sort(ends.begin(), ends.end());
    for (int64_t end : ends) {
      if (end <= first) continue;
      for (int64_t k = 0; k < shape.links; ++k) {
        const int64_t shift = first + ahead[k] >= shape.seq ? ahead[k] - shape.seq : ahead[k];
        links[k] = {values + shift * stride, weights + k + (turned ? shift * shape.links : 0)};
      }
      run(first, end, links.data());
      first = end;
    }
  }

private:
  std::vector<Link<T>> links;
  std::vector<int64_t> ends;
};

// Rows in the order in which their links find most in cache, a block at a time.
//
// While what the links span fits in cache, that is the order of the ring. When it does not, and all
// distances are multiples of some step (CDIL's are, of its dilation), rows a step apart share what
// they read: so take a block of rows, then the block one step on, all the way round, and only then
// the block beside the first.
class Blocks {
public:
  Blocks(const int64_t *ahead, const Shape &shape, int64_t row_bytes) : step(0) {
    int64_t span = 0;
    for (int64_t k = 0; k < shape.links; ++k) {
      const int64_t distance = std::min(ahead[k], shape.seq - ahead[k]);
      span = std::max(span, 2 * distance);
      step = std::gcd(step, distance);
    }
    if (span * row_bytes < SPAN_IN_CACHE) step = shape.seq;
    else if (step < ROWS) step = 0;  // all rows at once: no order of blocks is any better
  }

  template <typename Run> void each(int64_t first, int64_t last, Run run) const {
    if (step == 0) run(first, last);
    for (int64_t beside = 0; beside < step; beside += ROWS)
      for (int64_t base = first / step * step; base < last; base += step) {
        const int64_t from = std::max(first, base + beside);
        const int64_t to = std::min({last, base + step, base + beside + ROWS});
        if (from < to) run(from, to);
      }
  }

private:
  static constexpr int64_t ROWS = 256, SPAN_IN_CACHE = 1 << 20;
  int64_t step;
};

// Call `run(column, parts)` for pieces of 4, 2 or 1 vectors (`parts`, a constant) of a row.
template <typename T, typename Run> inline void for_columns(int64_t stride, Run run) {
  constexpr int L = LANES<T>;
  int64_t column = 0;
  for (; column + 4 * L <= stride; column += 4 * L)
    run(column, std::integral_constant<int, 4>());
  if (column + 2 * L <= stride) {
    run(column, std::integral_constant<int, 2>());
    column += 2 * L;
  }
  if (column < stride) run(column, std::integral_constant<int, 1>());
}

// Call `run(stride)`: with a constant where the stride is a usual one, so that the rows of a block
// lie at constant places and their loops are unrolled.
template <typename T, typename Run> void with_stride(int64_t stride, Run run) {
  constexpr int L = LANES<T>;
  if (stride == 2 * L) run(std::integral_constant<int64_t, 2 * L>());
  else if (stride == 4 * L) run(std::integral_constant<int64_t, 4 * L>());
  else run(stride);
}

// Some rows of `Parts` vectors each of the result stay in registers while the links run through;
// vector I is part I % Parts of row I / Parts.
template <typename T, int Parts, typename Stride, int... I>
inline void sum_links(T *out, const T *self, const Link<T> *links, int64_t count, int64_t row,
                      int64_t column, Stride stride, std::integer_sequence<int, I...>) {
  constexpr int L = LANES<T>;
  const int64_t place = row * stride + column;
  const auto at = [&](int i) { return i / Parts * stride + i % Parts * L; };
  Vector<T> sums[] = {(self ? load(self + place + at(I)) : Vector<T>{})...};
  for (int64_t k = 0; k < count; ++k) {
    const T *value = links[k].values + place;
    const T *weight = links[k].weights + row * count;
    ((sums[I] += weight[I / Parts * count] * load(value + at(I))), ...);
  }
  (store(out + place + at(I), sums[I]), ...);
}

// out[i] = sum_k weight_k(i) values[i + ahead_k] (+ values[i]) for rows first..last.
template <typename T>
void apply_factor(T *out, const T *values, const T *weights, const int64_t *ahead,
                  const Shape &shape, int64_t row_stride, bool residual, bool turned, int64_t first,
                  int64_t last, Stretches<T> &stretches) {
  const T *self = residual ? values : nullptr;
  with_stride<T>(row_stride, [&](auto stride) {
    stretches.each(
        ahead, shape, values, stride, weights, turned, first, last,
        [&](int64_t from, int64_t to, const Link<T> *links) {
          for_columns<T>(stride, [&](int64_t column, auto parts) {
            int64_t row = from;
            const auto take = [&](auto rows) {
              sum_links<T, parts>(out, self, links, shape.links, row, column, stride,
                                  std::make_integer_sequence<int, rows * parts>());
              row += rows;
            };
            while (row + 4 <= to) take(std::integral_constant<int, 4>());
            if (row + 2 <= to) take(std::integral_constant<int, 2>());
            if (row < to) take(std::integral_constant<int, 1>());
          });
        });
  });
}

// The lane-by-lane product of two rows, its parts added up.
template <typename T, typename Stride>
inline Vector<T> row_product(const T *a, const T *b, Stride stride) {
  Vector<T> sum = load(a) * load(b);
  for (int64_t c = LANES<T>; c < stride; c += LANES<T>) sum += load(a + c) * load(b + c);
  return sum;
}

// grad_weights[i, k] = grad[i] . values[i + ahead_k] for rows first..last and `Links` links from k
// on. A register has as many lanes as some rows have of these dot products: all are summed at once.
template <typename T, int Links, typename Stride>
inline void dot_products(T *grad_weights, const T *grad, const Link<T> *links, int64_t count,
                         int64_t first, int64_t last, Stride stride) {
  constexpr int Rows = LANES<T> / Links;
  const auto take = [&](int64_t row) {
    const T *values[Links];
    for (int k = 0; k < Links; ++k) values[k] = links[k].values + row * stride;
    const T *own = grad + row * stride;
    const Vector<T> sums = lane_sums<T>([&](auto j) {
      constexpr int r = j / Links;
      return row_product<T>(own + r * stride, values[j % Links] + r * stride, stride);
    });
    for (int r = 0; r < Rows; ++r)
      std::memcpy(grad_weights + (row + r) * count, reinterpret_cast<const T *>(&sums) + r * Links,
                  Links * sizeof(T));
  };
  int64_t row = first;
  for (; row + Rows <= last; row += Rows) take(row);
  for (; row < last; ++row)
    for (int k = 0; k < Links; ++k)
      grad_weights[row * count + k] = lane_sum<T>(
          row_product<T>(grad + row * stride, links[k].values + row * stride, stride));
}

// grad_weights[i, k] for rows first..last and all links: a few rows at a time, so that they stay in
// the first-level cache while the links are taken four, two and one at once.
template <typename T>
void link_gradients(T *grad_weights, const T *grad, const T *values, const int64_t *ahead,
                    const Shape &shape, int64_t row_stride, int64_t first, int64_t last,
                    Stretches<T> &stretches) {
  constexpr int64_t ROWS = 32;
  const int64_t count = shape.links;
  with_stride<T>(row_stride, [&](auto stride) {
    stretches.each(
        ahead, shape, values, stride, values, false, first, last,
        [&](int64_t from, int64_t to, const Link<T> *links) {
          for (; from < to; from += ROWS) {
            const int64_t until = std::min(to, from + ROWS);
            int64_t k = 0;
            const auto take = [&](auto some) {
              dot_products<T, some>(grad_weights + k, grad, links + k, count, from, until, stride);
              k += some;
            };
            if constexpr (LANES<T> >= 4)
              while (k + 4 <= count) take(std::integral_constant<int, 4>());
            while (k + 2 <= count) take(std::integral_constant<int, 2>());
            if (k < count) take(std::integral_constant<int, 1>());
          }
        });
  });
}

template <typename T>
void copy_rows(T *to, int64_t to_stride, const T *from, int64_t from_stride, int64_t rows) {
  const int64_t width = std::min(to_stride, from_stride);
  for (int64_t r = 0; r < rows; ++r) {
    std::memcpy(to + r * to_stride, from + r * from_stride, width * sizeof(T));
    std::fill(to + r * to_stride + width, to + (r + 1) * to_stride, T(0));
  }
}

// Who does what: whole sequences when there are enough for all threads, else rows of each one.
struct Team {
  int64_t members, first_sequence, last_sequence, first_row, last_row, room;
  bool shares_rows;
  Team(const Shape &s, bool by_sequence) {
    members = team_size();
    const int64_t me = thread_number();
    const int64_t sequences = by_sequence ? members : 1, rows = by_sequence ? 1 : members;
    const int64_t s_me = by_sequence ? me : 0, r_me = by_sequence ? 0 : me;
    first_sequence = s.batch * s_me / sequences;
    last_sequence = s.batch * (s_me + 1) / sequences;
    first_row = s.seq * r_me / rows;
    last_row = s.seq * (r_me + 1) / rows;
    room = s_me;
    shares_rows = rows > 1;
  }
  // Wait until the rows of all others are there too.
  void meet() const {
    if (shares_rows) {
#pragma omp barrier
    }
  }
};

template <typename T> int64_t plane_size(const Shape &s, int64_t stride) {
  return round_up(s.seq * stride, 64) + 64;  // 64 more: planes must not share cache sets
}

template <typename T>
int forward(const T *values, const T *weights, const int64_t *ahead, Shape s, bool residual,
            int threads, T *result) {
  const int64_t stride = round_up(s.channels, LANES<T>), plane = plane_size<T>(s, stride);
  const bool padded = stride != s.channels, by_sequence = s.batch >= threads;
  const int64_t planes = padded ? 3 : 2;
  T *memory = static_cast<T *>(
      scratch.take((by_sequence ? threads : 1) * planes * plane * sizeof(T)));
  if (memory == nullptr) return 1;
#pragma omp parallel num_threads(threads)
  {
    const Team team(s, by_sequence);
    const int64_t first = team.first_row, height = team.last_row - first;
    T *own = memory + team.room * planes * plane;
    Stretches<T> stretches(s.links);
    for (int64_t b = team.first_sequence; b < team.last_sequence; ++b) {
      const T *reached = values + b * s.seq * s.channels;
      T *answer = result + b * s.seq * s.channels;
      if (padded) {
        copy_rows(own + 2 * plane + first * stride, stride, reached + first * s.channels,
                  s.channels, height);
        reached = own + 2 * plane;
        team.meet();
      }
      for (int64_t m = 0; m < s.factors; ++m) {
        T *next = m + 1 == s.factors && !padded ? answer : own + (m % 2) * plane;
        Blocks(ahead + m * s.links, s, stride * sizeof(T))
            .each(first, team.last_row, [&](int64_t from, int64_t to) {
              apply_factor(next, reached, weights + (m * s.batch + b) * s.seq * s.links,
                           ahead + m * s.links, s, stride, residual, false, from, to, stretches);
            });
        reached = next;
        team.meet();
      }
      if (padded) {
        copy_rows(answer + first * s.channels, s.channels, reached + first * stride, stride,
                  height);
        team.meet();
      }
    }
  }
  return 0;
}

template <typename T>
int backward(const T *grad, const T *values, const T *weights, const int64_t *ahead, Shape s,
             bool residual, int threads, T *grad_values, T *grad_weights) {
  const int64_t stride = round_up(s.channels, LANES<T>), plane = plane_size<T>(s, stride);
  const bool padded = stride != s.channels, by_sequence = s.batch >= threads;
  const int64_t planes = s.factors + 3;  // V_0 .. V_{M-1}, two for the gradient, one to pad it
  const int64_t room = planes * plane;
  T *memory = static_cast<T *>(scratch.take((by_sequence ? threads : 1) * room * sizeof(T)));
  if (memory == nullptr) return 1;
  std::vector<int64_t> behind(s.factors * s.links);
  for (size_t k = 0; k < behind.size(); ++k) behind[k] = ahead[k] ? s.seq - ahead[k] : 0;
#pragma omp parallel num_threads(threads)
  {
    const Team team(s, by_sequence);
    const int64_t first = team.first_row, last = team.last_row;
    T *own = memory + team.room * room;
    T *grads = own + s.factors * plane;
    Stretches<T> stretches(s.links);
    for (int64_t b = team.first_sequence; b < team.last_sequence; ++b) {
      const T *start = values + b * s.seq * s.channels;
      const T *back = grad + b * s.seq * s.channels;
      if (padded) {
        T *wide = grads + 2 * plane;
        copy_rows(own + first * stride, stride, start + first * s.channels, s.channels,
                  last - first);
        copy_rows(wide + first * stride, stride, back + first * s.channels, s.channels,
                  last - first);
        start = own;
        back = wide;
        team.meet();
      }
      const auto reached = [&](int64_t m) { return m ? own + m * plane : start; };
      const auto place = [&](int64_t m) { return (m * s.batch + b) * s.seq * s.links; };
      for (int64_t m = 0; m + 1 < s.factors; ++m) {
        Blocks(ahead + m * s.links, s, stride * sizeof(T))
            .each(first, last, [&](int64_t from, int64_t to) {
              apply_factor(own + (m + 1) * plane, reached(m), weights + place(m),
                           ahead + m * s.links, s, stride, residual, false, from, to, stretches);
            });
        team.meet();
      }
      T *answer = grad_values + b * s.seq * s.channels;
      for (int64_t m = s.factors - 1; m >= 0; --m) {
        T *next = m == 0 && !padded ? answer : grads + (m % 2) * plane;
        Blocks(ahead + m * s.links, s, stride * sizeof(T))
            .each(first, last, [&](int64_t from, int64_t to) {
              link_gradients(grad_weights + place(m), back, reached(m), ahead + m * s.links, s,
                             stride, from, to, stretches);
              apply_factor(next, back, weights + place(m), behind.data() + m * s.links, s, stride,
                           residual, true, from, to, stretches);
            });
        back = next;
        team.meet();
      }
      if (padded) {
        copy_rows(answer + first * s.channels, s.channels, back + first * stride, stride,
                  last - first);
        team.meet();
      }
    }
  }
  return 0;
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))
#define DEFINE(T, NAME)                                                                            \
  EXPORT int mix_forward_##NAME(const T *values, const T *weights, const int64_t *ahead,           \
                                const int64_t *shape, int residual, int threads, T *result) {      \
    return forward<T>(values, weights, ahead, {shape[0], shape[1], shape[2], shape[3], shape[4]},  \
                      residual, threads, result);                                                  \
  }                                                                                                \
  EXPORT int mix_backward_##NAME(const T *grad, const T *values, const T *weights,                 \
                                 const int64_t *ahead, const int64_t *shape, int residual,         \
                                 int threads, T *grad_values, T *grad_weights) {                   \
    return backward<T>(grad, values, weights, ahead,                                               \
                       {shape[0], shape[1], shape[2], shape[3], shape[4]}, residual, threads,      \
                       grad_values, grad_weights);                                                 \
  }

DEFINE(float, float32)
DEFINE(double, float64)
