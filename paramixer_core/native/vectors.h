// Vectors as wide as the machine's registers, sums over their lanes, and memory to work in.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <utility>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__AVX512F__)
#include <immintrin.h>
#endif
#if defined(_OPENMP)
#include <omp.h>
#endif

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

template <typename T> struct Lanes;
template <> struct Lanes<float> {
  typedef float Vector __attribute__((vector_size(VECTOR_BYTES)));
  typedef float Loose __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
};
template <> struct Lanes<double> {
  typedef double Vector __attribute__((vector_size(VECTOR_BYTES)));
  typedef double Loose __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
};
template <typename T> using Vector = typename Lanes<T>::Vector;
template <typename T> constexpr int LANES = VECTOR_BYTES / sizeof(T);

template <typename T> inline Vector<T> load(const T *from) {
  return *reinterpret_cast<const typename Lanes<T>::Loose *>(from);
}
template <typename T> inline void store(T *to, Vector<T> vector) {
  *reinterpret_cast<typename Lanes<T>::Loose *>(to) = vector;
}

// 1 / x within a unit or two in the last place; dividing takes several times as long.
inline Vector<float> reciprocal(Vector<float> x) {
#if defined(__AVX512F__)
  const Vector<float> guess = (Vector<float>)_mm512_rcp14_ps((__m512)x);
  return guess * (2.0f - x * guess);
#else
  return 1.0f / x;
#endif
}

inline int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

// Lane j of the result is the sum of two lanes of `a` (even groups of `Group` lanes) or `b` (odd):
// what each keeps in its place, plus what the other group of the pair sends over.
template <typename T, int Group, int... J>
inline Vector<T> fold(Vector<T> a, Vector<T> b, std::integer_sequence<int, J...>) {
  constexpr int L = LANES<T>;
  return __builtin_shufflevector(a, b, (J / Group % 2 ? L + J : J)...) +
         __builtin_shufflevector(a, b, (J / Group % 2 ? L + J - Group : J + Group)...);
}
template <typename T, int Group> inline Vector<T> fold(Vector<T> a, Vector<T> b) {
  return fold<T, Group>(a, b, std::make_integer_sequence<int, LANES<T>>());
}

// Lane j of the result is the sum over all lanes of `vector(j)`, for `Count` constants j from
// `First` on. The vectors are made as they are needed, so that few have to be held at once.
template <typename T, int Count = LANES<T>, int First = 0, typename Make>
inline Vector<T> lane_sums(const Make &vector) {
  if constexpr (Count == 1) {
    return vector(std::integral_constant<int, First>());
  } else {
    constexpr int Half = Count / 2;
    const Vector<T> left = lane_sums<T, Half, First>(vector);
    const Vector<T> right = lane_sums<T, Half, First + Half>(vector);
    return fold<T, Half>(left, right);
  }
}

// The sum over all lanes, added up in the same order: a row's result is not to depend on whether
// it was taken alone.
template <typename T, int Group = 1> inline T lane_sum(Vector<T> vector) {
  if constexpr (Group == LANES<T>) return vector[0];
  else return lane_sum<T, 2 * Group>(fold<T, Group>(vector, vector));
}

// Memory that outlives a call, so that its pages are touched once; one block per calling thread.
class Scratch {
public:
  ~Scratch() { std::free(block); }
  void *take(size_t bytes) {
    constexpr size_t PAGE = size_t(2) << 20;
    if (bytes > size) {
      std::free(block);
      size = round_up(bytes, PAGE);
      block = std::aligned_alloc(size >= PAGE ? PAGE : 64, size);
      if (block == nullptr) size = 0;
#if defined(__linux__)
      if (block != nullptr) madvise(block, size, MADV_HUGEPAGE);
#endif
    }
    return block;
  }

private:
  void *block = nullptr;
  size_t size = 0;
};

#if defined(_OPENMP)
inline int thread_number() { return omp_get_thread_num(); }
inline int team_size() { return omp_get_num_threads(); }
#else
inline int thread_number() { return 0; }
inline int team_size() { return 1; }
#endif
