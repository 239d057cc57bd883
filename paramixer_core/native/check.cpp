// A small mixing problem worked out twice: does this library run and reckon right here?
#include <cmath>
#include <cstdint>

extern "C" int mix_forward_float32(const float *, const float *, const int64_t *, const int64_t *,
                                   int, int, float *);

extern "C" __attribute__((visibility("default"))) int self_check() {
  constexpr int N = 37, D = 19, K = 2;
  float values[N * D], weights[N * K], mixed[N * D];
  for (int i = 0; i < N * D; ++i) values[i] = std::sin(0.7f * i);
  for (int i = 0; i < N * K; ++i) weights[i] = std::cos(0.3f * i);
  const int64_t ahead[K] = {0, 33}, shape[5] = {1, 1, N, K, D};
  const int64_t tables[] = {1, 2, 0, 4, 0, 33, 0, 1, 4, N, 0, 33 - N, 0, 1};
  for (int threads = 1; threads <= 2; ++threads) {
    if (mix_forward_float32(values, weights, tables, shape, 1, threads, mixed)) return 1;
    for (int i = 0; i < N; ++i)
      for (int d = 0; d < D; ++d) {
        float sum = values[i * D + d];
        for (int k = 0; k < K; ++k)
          sum += weights[i * K + k] * values[(i + ahead[k]) % N * D + d];
        if (!(std::fabs(sum - mixed[i * D + d]) < 1e-4f)) return 2;
      }
  }
  return 0;
}
