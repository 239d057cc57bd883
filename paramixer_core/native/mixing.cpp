// The mixing operator: all factors of a block, forward and backward, in one call each.
#include "vectors.h"

#include <algorithm>
#include <cstring>
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

// A factor's table (tables.py), stretches of rows in which every link is as far from its row, cut
// to the rows that a thread is to take.
struct Table {
  const int64_t *lines;
  int64_t links, first, last;

  // Call `run(from, to, found)` for every stretch; `found` has room for all links.
  template <typename T, typename Run>
  void each(const T *values, int64_t stride, const T *weights, std::vector<Link<T>> &found,
            Run run) const {
    const int64_t *line = lines + 1;
    for (int64_t count = lines[0]; count > 0; --count, line += 2 + 2 * links) {
      const int64_t from = std::max(line[0], first), to = std::min(line[1], last);
      if (from >= to) continue;
      for (int64_t k = 0; k < links; ++k)
        found[k] = {values + line[2 + k] * stride, weights + line[2 + links + k]};
      run(from, to, found.data());
    }
  }
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

// out[i] = sum_k weight_k(i) values[i + ahead_k] (+ values[i]) for the rows of a table.
template <typename T>
void apply_factor(T *out, const T *values, const T *weights, const Table &table,
                  int64_t row_stride, bool residual, std::vector<Link<T>> &found) {
  const T *self = residual ? values : nullptr;
  with_stride<T>(row_stride, [&](auto stride) {
    table.each(
        values, stride, weights, found,
        [&](int64_t from, int64_t to, const Link<T> *links) {
          for_columns<T>(stride, [&](int64_t column, auto parts) {
            int64_t row = from;
            const auto take = [&](auto rows) {
              sum_links<T, parts>(out, self, links, table.links, row, column, stride,
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

// grad_weights[i, k] for the rows of a table and all links: a few rows at a time, so that they stay
// in the first-level cache while the links are taken four, two and one at once.
template <typename T>
void link_gradients(T *grad_weights, const T *grad, const T *values, const Table &table,
                    int64_t row_stride, std::vector<Link<T>> &found) {
  constexpr int64_t ROWS = 32;
  const int64_t count = table.links;
  with_stride<T>(row_stride, [&](auto stride) {
    table.each(
        values, stride, values, found,
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
  int64_t first_sequence, last_sequence, first_row, last_row, room;
  bool shares_rows;
  Team(const Shape &s, bool by_sequence) : shares_rows(!by_sequence) {
    const int64_t me = thread_number(), members = team_size();
    room = by_sequence ? me : 0;
    first_sequence = by_sequence ? s.batch * me / members : 0;
    last_sequence = by_sequence ? s.batch * (me + 1) / members : s.batch;
    first_row = by_sequence ? 0 : s.seq * me / members;
    last_row = by_sequence ? s.seq : s.seq * (me + 1) / members;
  }
  // This thread's rows of a factor.
  Table table(const int64_t *tables, int64_t factor, const Shape &s) const {
    return {tables + tables[factor], s.links, first_row, last_row};
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
int forward(const T *values, const T *weights, const int64_t *tables, Shape s, bool residual,
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
    std::vector<Link<T>> found(s.links);
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
        apply_factor(next, reached, weights + (m * s.batch + b) * s.seq * s.links,
                     team.table(tables, m, s), stride, residual, found);
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
int backward(const T *grad, const T *values, const T *weights, const int64_t *tables,
             const int64_t *turned, Shape s, bool residual, int threads, T *grad_values,
             T *grad_weights) {
  const int64_t stride = round_up(s.channels, LANES<T>), plane = plane_size<T>(s, stride);
  const bool padded = stride != s.channels, by_sequence = s.batch >= threads;
  const int64_t planes = s.factors + 3;  // V_0 .. V_{M-1}, two for the gradient, one to pad it
  const int64_t room = planes * plane;
  T *memory = static_cast<T *>(scratch.take((by_sequence ? threads : 1) * room * sizeof(T)));
  if (memory == nullptr) return 1;
#pragma omp parallel num_threads(threads)
  {
    const Team team(s, by_sequence);
    const int64_t first = team.first_row, last = team.last_row;
    T *own = memory + team.room * room;
    T *grads = own + s.factors * plane;
    std::vector<Link<T>> found(s.links);
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
        apply_factor(own + (m + 1) * plane, reached(m), weights + place(m),
                     team.table(tables, m, s), stride, residual, found);
        team.meet();
      }
      T *answer = grad_values + b * s.seq * s.channels;
      for (int64_t m = s.factors - 1; m >= 0; --m) {
        T *next = m == 0 && !padded ? answer : grads + (m % 2) * plane;
        link_gradients(grad_weights + place(m), back, reached(m), team.table(tables, m, s), stride,
                       found);
        apply_factor(next, back, weights + place(m), team.table(turned, m, s), stride, residual,
                     found);
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
  EXPORT int mix_forward_##NAME(const T *values, const T *weights, const int64_t *tables,          \
                                const int64_t *s, int residual, int threads, T *result) {          \
    return forward<T>(values, weights, tables, {s[0], s[1], s[2], s[3], s[4]}, residual, threads,  \
                      result);                                                                     \
  }                                                                                                \
  EXPORT int mix_backward_##NAME(const T *grad, const T *values, const T *weights,                 \
                                 const int64_t *tables, const int64_t *turned, const int64_t *s,   \
                                 int residual, int threads, T *grad_values, T *grad_weights) {     \
    return backward<T>(grad, values, weights, tables, turned, {s[0], s[1], s[2], s[3], s[4]},      \
                       residual, threads, grad_values, grad_weights);                              \
  }

DEFINE(float, float32)
DEFINE(double, float64)
