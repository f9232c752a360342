// Kernels of a training step of R plain networks side by side: all but the matrix products.
//
// The run is the last axis of every grid. Activations are (R, rows, columns), row-major; T is float or bf16, sums are in float and in one fixed
// order. Weights and their gradients lie in flat buffers of `stride` floats a run. `launch.rs` names every kernel with its arguments.
#ifdef __CUDACC__
#include <cuda_bf16.h>
typedef __nv_bfloat16 bf16;
#define BARRIER __syncthreads()
#define DYNAMIC_SHARED(type, name) extern __shared__ type name[]
#else
#include "emulator.h"
#endif

typedef unsigned int u32;
typedef unsigned long long u64;
#define KERNEL extern "C" __global__ void
#define DEVICE static __device__ __forceinline__
// no row, no position
#define NONE 0xffffffffu
#define LANE (threadIdx.x & 31)
#define WARP (threadIdx.x >> 5)
#define WARPS (blockDim.x >> 5)

DEVICE float real(float x) { return x; }
DEVICE float real(bf16 x) { return __bfloat162float(x); }
template <typename T> DEVICE T rounded(float x);
template <> __device__ __forceinline__ float rounded<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 rounded<bf16>(float x) { return __float2bfloat16(x); }

// four entries that follow each other, at a multiple of four
DEVICE float4 four(const float* at) { return *(const float4*)at; }
DEVICE float4 four(const bf16* at) {
    uint2 both = *(const uint2*)at;
    const bf16* x = (const bf16*)&both;
    return {real(x[0]), real(x[1]), real(x[2]), real(x[3])};
}
DEVICE void put_four(float* at, float4 x) { *(float4*)at = x; }
DEVICE void put_four(bf16* at, float4 x) {
    uint2 both;
    bf16* to = (bf16*)&both;
    to[0] = rounded<bf16>(x.x), to[1] = rounded<bf16>(x.y), to[2] = rounded<bf16>(x.z), to[3] = rounded<bf16>(x.w);
    *(uint2*)at = both;
}
// the same, not yet unpacked
template <typename T> struct __align__(4 * sizeof(T)) Packed {
    T entries[4];
};
DEVICE float dot(float4 a, float4 b) { return a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w; }

DEVICE float warp_sum(float x) {
    for (int apart = 16; apart > 0; apart /= 2) x += __shfl_xor_sync(0xffffffff, x, apart);
    return x;
}
DEVICE float warp_max(float x) {
    for (int apart = 16; apart > 0; apart /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffff, x, apart));
    return x;
}
// over a block of at most 1,024 threads; `shared` holds a float a warp
DEVICE float block_sum(float x, float* shared) {
    x = warp_sum(x);
    BARRIER;
    if (LANE == 0) shared[WARP] = x;
    BARRIER;
    float sum = 0;
    for (u32 warp = 0; warp < WARPS; warp++) sum += shared[warp];
    return sum;
}
DEVICE float block_max(float x, float* shared) {
    x = warp_max(x);
    BARRIER;
    if (LANE == 0) shared[WARP] = x;
    BARRIER;
    float most = shared[0];
    for (u32 warp = 1; warp < WARPS; warp++) most = fmaxf(most, shared[warp]);
    return most;
}
DEVICE double block_sum_f64(double x, double* shared) {
    for (int apart = 16; apart > 0; apart /= 2) x += __shfl_xor_sync(0xffffffff, x, apart);
    BARRIER;
    if (LANE == 0) shared[WARP] = x;
    BARRIER;
    double sum = 0;
    for (u32 warp = 0; warp < WARPS; warp++) sum += shared[warp];
    return sum;
}

// ---- the residual stream

// x (R, n, d) = rows of the embedding; grid (n, R)
KERNEL embed(const float* w, u64 stride, const u32* tokens, float* x, int n, int d) {
    size_t row = (size_t)blockIdx.y * n + blockIdx.x;
    const float* from = w + blockIdx.y * stride + (size_t)tokens[row] * d;
    for (int c = threadIdx.x; c < d; c += blockDim.x) x[row * d + c] = from[c];
}

// the gradient of the embedding takes dx (R, n, d): `order` (R, n) has the rows of a run by their tokens, then none. The block of the first row of a
// token adds up all of that token; grid (n, R)
KERNEL embed_backward(const float* dx, const u32* tokens, const u32* order, float* dw, u64 stride, int n, int d) {
    const u32 *own = tokens + (size_t)blockIdx.y * n, *rows = order + (size_t)blockIdx.y * n;
    int first = blockIdx.x;
    if (rows[first] == NONE) return;
    u32 token = own[rows[first]];
    if (first > 0 && own[rows[first - 1]] == token) return;
    for (int c = threadIdx.x; c < d; c += blockDim.x) {
        float sum = 0;
        for (int at = first; at < n && rows[at] != NONE && own[rows[at]] == token; at++) sum += dx[((size_t)blockIdx.y * n + rows[at]) * d + c];
        dw[blockIdx.y * stride + (size_t)token * d + c] += sum;
    }
}

// rows of up to HELD * 128 entries are held by a warp while it is at them
#define HELD 8

// h = x / sqrt(mean(x^2) + eps) w, and a copy of x where one is asked for; a warp a row, grid (rows / warps, R)
template <typename T>
DEVICE void rms_norm(const float* x, const float* w, u64 stride, T* h, T* copy, int rows, int d, float eps) {
    int row = blockIdx.x * WARPS + WARP;
    if (row >= rows) return;
    size_t from = ((size_t)blockIdx.y * rows + row) * d;
    float squares = 0;
    w += blockIdx.y * stride;
    if (d % 4 == 0 && d <= HELD * 128) {
        float4 value[HELD];
#pragma unroll
        for (int i = 0; i < HELD; i++) {
            int c = (i * 32 + LANE) * 4;
            if (c < d) value[i] = four(x + from + c);
        }
#pragma unroll
        for (int i = 0; i < HELD; i++)
            if ((i * 32 + LANE) * 4 < d) squares += dot(value[i], value[i]);
        float scale = 1 / sqrtf(warp_sum(squares) / d + eps);
#pragma unroll
        for (int i = 0; i < HELD; i++) {
            int c = (i * 32 + LANE) * 4;
            if (c >= d) break;
            float4 v = value[i], u = four(w + c);
            put_four(h + from + c, {v.x * scale * u.x, v.y * scale * u.y, v.z * scale * u.z, v.w * scale * u.w});
            if (copy) put_four(copy + from + c, v);
        }
        return;
    }
    for (int c = LANE; c < d; c += 32) squares += x[from + c] * x[from + c];
    float scale = 1 / sqrtf(warp_sum(squares) / d + eps);
    for (int c = LANE; c < d; c += 32) {
        float value = x[from + c];
        h[from + c] = rounded<T>(value * scale * w[c]);
        if (copy) copy[from + c] = rounded<T>(value);
    }
}

// adds to dx, and leaves it in T too where that is asked for; the gradient in w of the rows of a block goes to partial (R, blocks, d). With r the
// inverse rms: dx = r (w dy - x r^2 mean(x w dy)), dw = sum of r x dy. Shared: d floats a warp
template <typename T>
DEVICE void rms_norm_backward(const T* x, const float* w, u64 stride, const T* dh, float* dx, T* small, float* partial, int rows, int d,
                              float eps) {
    DYNAMIC_SHARED(float, shared);
    float* own = shared + WARP * d;
    w += blockIdx.y * stride;
    int each = (rows + gridDim.x - 1) / gridDim.x, from = blockIdx.x * each, to = min(rows, from + each);
    if (d % 4 == 0 && d <= HELD * 128) {
        float4 dw[HELD];
#pragma unroll
        for (int i = 0; i < HELD; i++) dw[i] = {0, 0, 0, 0};
        for (int row = from + WARP; row < to; row += WARPS) {
            size_t at = ((size_t)blockIdx.y * rows + row) * d;
            // all that is read is asked for at once
            Packed<T> value[HELD], dy[HELD];
            float4 sums[HELD];
            float squares = 0, products = 0;
#pragma unroll
            for (int i = 0; i < HELD; i++) {
                int c = (i * 32 + LANE) * 4;
                if (c >= d) break;
                value[i] = *(const Packed<T>*)(x + at + c), dy[i] = *(const Packed<T>*)(dh + at + c), sums[i] = four(dx + at + c);
            }
#pragma unroll
            for (int i = 0; i < HELD; i++) {
                int c = (i * 32 + LANE) * 4;
                if (c >= d) break;
                float4 v = four(value[i].entries), y = four(dy[i].entries), u = four(w + c);
                squares += dot(v, v);
                products += v.x * y.x * u.x + v.y * y.y * u.y + v.z * y.z * u.z + v.w * y.w * u.w;
            }
            float scale = 1 / sqrtf(warp_sum(squares) / d + eps), mean = warp_sum(products) / d * scale * scale;
#pragma unroll
            for (int i = 0; i < HELD; i++) {
                int c = (i * 32 + LANE) * 4;
                if (c >= d) break;
                float4 v = four(value[i].entries), y = four(dy[i].entries), u = four(w + c), sum = sums[i];
                sum.x += scale * (u.x * y.x - v.x * mean), sum.y += scale * (u.y * y.y - v.y * mean);
                sum.z += scale * (u.z * y.z - v.z * mean), sum.w += scale * (u.w * y.w - v.w * mean);
                put_four(dx + at + c, sum);
                if (small) put_four(small + at + c, sum);
                dw[i].x += scale * v.x * y.x, dw[i].y += scale * v.y * y.y, dw[i].z += scale * v.z * y.z, dw[i].w += scale * v.w * y.w;
            }
        }
#pragma unroll
        for (int i = 0; i < HELD; i++) {
            int c = (i * 32 + LANE) * 4;
            if (c < d) put_four(own + c, dw[i]);
        }
    } else {
        for (int c = LANE; c < d; c += 32) own[c] = 0;
        for (int row = from + WARP; row < to; row += WARPS) {
            size_t at = ((size_t)blockIdx.y * rows + row) * d;
            float squares = 0, products = 0;
            for (int c = LANE; c < d; c += 32) {
                float value = real(x[at + c]);
                squares += value * value;
                products += value * real(dh[at + c]) * w[c];
            }
            float scale = 1 / sqrtf(warp_sum(squares) / d + eps), mean = warp_sum(products) / d * scale * scale;
            for (int c = LANE; c < d; c += 32) {
                float value = real(x[at + c]), dy = real(dh[at + c]), sum = dx[at + c] + scale * (w[c] * dy - value * mean);
                dx[at + c] = sum;
                if (small) small[at + c] = rounded<T>(sum);
                own[c] += scale * value * dy;
            }
        }
    }
    BARRIER;
    for (int c = threadIdx.x; c < d; c += blockDim.x) {
        float sum = 0;
        for (u32 warp = 0; warp < WARPS; warp++) sum += shared[warp * d + c];
        partial[((size_t)blockIdx.y * gridDim.x + blockIdx.x) * d + c] = sum;
    }
}

// gradients of all norms from partial (norms, R, blocks, d), each `apart` floats after the last; a warp adds up every eighth block of 32 columns; grid
// (d / 32, norms, R)
KERNEL norm_gradients(const float* partial, float* dw, u64 stride, int apart, int blocks, int d, int adds) {
    __shared__ float sums[8][32];
    int c = blockIdx.x * 32 + LANE;
    const float* from = partial + ((size_t)blockIdx.y * gridDim.z + blockIdx.z) * blocks * d + c;
    float sum = 0;
    if (c < d)
        for (int block = WARP; block < blocks; block += 8) sum += from[(size_t)block * d];
    sums[WARP][LANE] = sum;
    BARRIER;
    if (WARP > 0 || c >= d) return;
    sum = 0;
    for (int warp = 0; warp < 8; warp++) sum += sums[warp][LANE];
    float* to = dw + blockIdx.z * stride + blockIdx.y * apart + c;
    *to = adds ? *to + sum : sum;
}

// y (R, m, d) = the rows of x (R, n, d), 0 where there is none; grid (m, R)
template <typename T> DEVICE void gather(const T* x, const u32* rows, T* y, int n, int m, int d) {
    size_t to = (size_t)blockIdx.y * m + blockIdx.x;
    u32 row = rows[to];
    for (int c = threadIdx.x; c < d; c += blockDim.x) y[to * d + c] = row == NONE ? rounded<T>(0) : x[((size_t)blockIdx.y * n + row) * d + c];
}

// y (R, n, d) = the rows of x (R, m, d) where they came from, 0 elsewhere: `place` (R, n) is the inverse of `rows`; grid (n, R)
template <typename T> DEVICE void scatter(const T* x, const u32* place, T* y, int n, int m, int d) {
    size_t to = (size_t)blockIdx.y * n + blockIdx.x;
    u32 row = place[to];
    for (int c = threadIdx.x; c < d; c += blockDim.x) y[to * d + c] = row == NONE ? rounded<T>(0) : x[((size_t)blockIdx.y * m + row) * d + c];
}

// ---- feed-forward and loss

DEVICE float sigmoid(float x) { return 1 / (1 + expf(-x)); }

// y (rows, f) = silu(gate) up of [gate | up] (rows, 2 f); a block a row
template <typename T> DEVICE void swiglu(const T* x, T* y, int f) {
    x += (size_t)blockIdx.x * 2 * f;
    y += (size_t)blockIdx.x * f;
    auto of = [](float gate, float up) { return gate * sigmoid(gate) * up; };
    if (f % 4 == 0) {
        for (int c = threadIdx.x * 4; c < f; c += blockDim.x * 4) {
            float4 g = four(x + c), u = four(x + f + c);
            put_four(y + c, {of(g.x, u.x), of(g.y, u.y), of(g.z, u.z), of(g.w, u.w)});
        }
    } else {
        for (int c = threadIdx.x; c < f; c += blockDim.x) y[c] = rounded<T>(of(real(x[c]), real(x[f + c])));
    }
}

DEVICE void swiglu_gradient(float& gate, float& up, float dy) {
    float s = sigmoid(gate), of_gate = dy * up * s * (1 + gate * (1 - s));
    up = dy * gate * s;
    gate = of_gate;
}

// turns [gate | up] into the gradient in it; a block a row
template <typename T> DEVICE void swiglu_backward(T* x, const T* dy, int f) {
    x += (size_t)blockIdx.x * 2 * f;
    dy += (size_t)blockIdx.x * f;
    if (f % 4 == 0) {
        for (int c = threadIdx.x * 4; c < f; c += blockDim.x * 4) {
            float4 g = four(x + c), u = four(x + f + c), d = four(dy + c);
            swiglu_gradient(g.x, u.x, d.x), swiglu_gradient(g.y, u.y, d.y), swiglu_gradient(g.z, u.z, d.z), swiglu_gradient(g.w, u.w, d.w);
            put_four(x + c, g);
            put_four(x + f + c, u);
        }
    } else {
        for (int c = threadIdx.x; c < f; c += blockDim.x) {
            float gate = real(x[c]), up = real(x[f + c]);
            swiglu_gradient(gate, up, real(dy[c]));
            x[c] = rounded<T>(gate);
            x[f + c] = rounded<T>(up);
        }
    }
}

// the largest value so far, and the sum of e^(value - largest)
struct Softmax {
    float most = -INFINITY, sum = 0;
    __device__ void take(float value) {
        if (value > most) {
            sum = sum * expf(most - value) + 1;
            most = value;
        } else {
            sum += expf(value - most);
        }
    }
};

// cross-entropy of rows `from ..` of the m of a run, whose logits are (R, rows, V): nats (R, m), and the gradient in the logits where it is asked
// for. A row without a target has 0; grid (rows, R)
template <typename T>
DEVICE void cross_entropy(const float* logits, const u32* rows, const u32* targets, float* nats, T* dlogits, int from, int m, int vocab) {
    __shared__ float shared[32];
    size_t row = (size_t)blockIdx.y * gridDim.x + blockIdx.x, at = (size_t)blockIdx.y * m + from + blockIdx.x;
    const float* own = logits + row * vocab;
    bool is_target = rows[at] != NONE;
    Softmax softmax;
    if (vocab % 4 == 0) {
        for (int c = threadIdx.x * 4; c < vocab; c += blockDim.x * 4) {
            float4 v = four(own + c);
            softmax.take(v.x), softmax.take(v.y), softmax.take(v.z), softmax.take(v.w);
        }
    } else {
        for (int c = threadIdx.x; c < vocab; c += blockDim.x) softmax.take(own[c]);
    }
    float most = block_max(softmax.most, shared), sum = block_sum(softmax.sum * expf(softmax.most - most), shared);
    int target = targets[at];
    if (threadIdx.x == 0) nats[at] = is_target ? most + logf(sum) - own[target] : 0;
    if (!dlogits) return;
    float scale = is_target ? 1 / sum : 0, at_target = is_target ? scale * expf(own[target] - most) - 1 : 0;
    T* to = dlogits + row * vocab;
    // the gradient may take the place of the logits
    BARRIER;
    if (vocab % 4 == 0) {
        for (int c = threadIdx.x * 4; c < vocab; c += blockDim.x * 4) {
            float4 v = four(own + c);
            put_four(to + c, {scale * expf(v.x - most), scale * expf(v.y - most), scale * expf(v.z - most), scale * expf(v.w - most)});
        }
    } else {
        for (int c = threadIdx.x; c < vocab; c += blockDim.x) to[c] = rounded<T>(scale * expf(own[c] - most));
    }
    BARRIER;
    if (threadIdx.x == 0 && is_target) to[target] = rounded<T>(at_target);
}

// ---- attention: causal, inside each sequence; row i sees rows start[i] ..= i of its own run

DEVICE void turn_one(float& low, float& high, float cosine, float sine) {
    float a = low;
    low = a * cosine - high * sine;
    high = high * cosine + a * sine;
}

// rotates queries and keys of qkv (R, n, q) in place by the angles (positions, half) of their places, back where sign is -1; a warp a row, grid
// (n / warps, R)
template <typename T>
DEVICE void turn(T* qkv, const u32* start, const float* cosines, const float* sines, int n, int heads, int half, int columns, float sign) {
    int own = blockIdx.x * WARPS + WARP;
    if (own >= n) return;
    size_t row = (size_t)blockIdx.y * n + own;
    size_t angle = (size_t)(own - start[row]) * half;
    cosines += angle, sines += angle, qkv += row * columns;
    if (half % 4 == 0) {
        for (int at = LANE * 4; at < heads * half; at += 128) {
            int head = at / half, c = at - head * half;
            T *low = qkv + head * 2 * half + c, *high = low + half;
            float4 a = four(low), b = four(high), cosine = four(cosines + c), sine = four(sines + c);
            turn_one(a.x, b.x, cosine.x, sign * sine.x), turn_one(a.y, b.y, cosine.y, sign * sine.y);
            turn_one(a.z, b.z, cosine.z, sign * sine.z), turn_one(a.w, b.w, cosine.w, sign * sine.w);
            put_four(low, a), put_four(high, b);
        }
        return;
    }
    for (int at = LANE; at < heads * half; at += 32) {
        int head = at / half, c = at - head * half;
        T *low = qkv + head * 2 * half + c, *high = low + half;
        float a = real(*low), b = real(*high);
        turn_one(a, b, cosines[c], sign * sines[c]);
        *low = rounded<T>(a), *high = rounded<T>(b);
    }
}

// most entries of a head that a lane holds, of up to 32 times as many
#define OWN 8

// any size of heads, a warp a query; out (R, n, heads dim), lse (R, heads, n); grid (n / warps, heads, R)
template <typename T>
DEVICE void attention_plain(const T* qkv, const u32* start, T* out, float* lse, int n, int heads, int kv_heads, int dim, float scale) {
    int row = blockIdx.x * WARPS + WARP, head = blockIdx.y, columns = (heads + 2 * kv_heads) * dim;
    if (row >= n) return;
    const T* base = qkv + (size_t)blockIdx.z * n * columns;
    int kv = head / (heads / kv_heads);
    const T *q = base + (size_t)row * columns + head * dim, *keys = base + (heads + kv) * dim, *values = keys + kv_heads * dim;
    float own[OWN], sum = 0, most = -INFINITY;
    for (int at = 0; at < OWN; at++) own[at] = 0;
    for (int key = start[(size_t)blockIdx.z * n + row]; key <= row; key++) {
        float score = 0;
        for (int c = LANE; c < dim; c += 32) score += real(q[c]) * real(keys[(size_t)key * columns + c]);
        score = warp_sum(score) * scale;
        float next = fmaxf(most, score), fade = expf(most - next), weight = expf(score - next);
        sum = sum * fade + weight;
        for (int at = 0, c = LANE; c < dim; at++, c += 32) own[at] = own[at] * fade + weight * real(values[(size_t)key * columns + c]);
        most = next;
    }
    T* to = out + (((size_t)blockIdx.z * n + row) * heads + head) * dim;
    for (int at = 0, c = LANE; c < dim; at++, c += 32) to[c] = rounded<T>(own[at] / sum);
    if (LANE == 0) lse[((size_t)blockIdx.z * heads + head) * n + row] = most + logf(sum);
}

// the gradient in the queries, and delta (R, heads, n) = sum of out dout
template <typename T>
DEVICE void attention_plain_queries(const T* qkv, const u32* start, const T* out, const T* dout, const float* lse, float* delta, T* dqkv, int n,
                                    int heads, int kv_heads, int dim, float scale) {
    int row = blockIdx.x * WARPS + WARP, head = blockIdx.y, columns = (heads + 2 * kv_heads) * dim;
    if (row >= n) return;
    const T* base = qkv + (size_t)blockIdx.z * n * columns;
    int kv = head / (heads / kv_heads);
    const T *q = base + (size_t)row * columns + head * dim, *keys = base + (heads + kv) * dim, *values = keys + kv_heads * dim;
    size_t at_out = (((size_t)blockIdx.z * n + row) * heads + head) * dim, at = ((size_t)blockIdx.z * heads + head) * n + row;
    float sum = 0, own[OWN];
    for (int at = 0; at < OWN; at++) own[at] = 0;
    for (int c = LANE; c < dim; c += 32) sum += real(out[at_out + c]) * real(dout[at_out + c]);
    sum = warp_sum(sum);
    if (LANE == 0) delta[at] = sum;
    for (int key = start[(size_t)blockIdx.z * n + row]; key <= row; key++) {
        float score = 0, dweight = 0;
        for (int c = LANE; c < dim; c += 32) {
            score += real(q[c]) * real(keys[(size_t)key * columns + c]);
            dweight += real(dout[at_out + c]) * real(values[(size_t)key * columns + c]);
        }
        float dscore = expf(warp_sum(score) * scale - lse[at]) * (warp_sum(dweight) - sum) * scale;
        for (int at = 0, c = LANE; c < dim; at++, c += 32) own[at] += dscore * real(keys[(size_t)key * columns + c]);
    }
    T* to = dqkv + ((size_t)blockIdx.z * n + row) * columns + head * dim;
    for (int at = 0, c = LANE; c < dim; at++, c += 32) to[c] = rounded<T>(own[at]);
}

// the gradients in keys and values, a warp a key; `end` (R, n) is one past the last row of the sequence of each; grid (n / warps, kv_heads, R)
template <typename T>
DEVICE void attention_plain_keys(const T* qkv, const u32* end, const T* dout, const float* lse, const float* delta, T* dqkv, int n, int heads,
                                 int kv_heads, int dim, float scale) {
    int key = blockIdx.x * WARPS + WARP, kv = blockIdx.y, columns = (heads + 2 * kv_heads) * dim, group = heads / kv_heads;
    if (key >= n) return;
    const T* base = qkv + (size_t)blockIdx.z * n * columns;
    const T *k = base + (size_t)key * columns + (heads + kv) * dim, *v = k + kv_heads * dim;
    float dk[OWN], dv[OWN];
    for (int at = 0; at < OWN; at++) dk[at] = dv[at] = 0;
    for (int head = kv * group; head < (kv + 1) * group; head++) {
        for (int row = key; row < (int)end[(size_t)blockIdx.z * n + key]; row++) {
            const T *q = base + (size_t)row * columns + head * dim, *d = dout + (((size_t)blockIdx.z * n + row) * heads + head) * dim;
            size_t at = ((size_t)blockIdx.z * heads + head) * n + row;
            float score = 0, dweight = 0;
            for (int c = LANE; c < dim; c += 32) {
                score += real(q[c]) * real(k[c]);
                dweight += real(d[c]) * real(v[c]);
            }
            float weight = expf(warp_sum(score) * scale - lse[at]), dscore = weight * (warp_sum(dweight) - delta[at]) * scale;
            for (int at = 0, c = LANE; c < dim; at++, c += 32) {
                dk[at] += dscore * real(q[c]);
                dv[at] += weight * real(d[c]);
            }
        }
    }
    T* to = dqkv + ((size_t)blockIdx.z * n + key) * columns + (heads + kv) * dim;
    for (int at = 0, c = LANE; c < dim; at++, c += 32) {
        to[c] = rounded<T>(dk[at]);
        to[kv_heads * dim + c] = rounded<T>(dv[at]);
    }
}

// ---- the optimiser

// sums of squares of the gradients of each block, partial (R, blocks); grid (blocks, R)
KERNEL squares(const float* g, u64 stride, double* partial) {
    __shared__ double shared[32];
    u64 each = (stride + gridDim.x - 1) / gridDim.x, from = blockIdx.x * each, to = min(stride, from + each);
    double sum = 0;
    for (u64 at = from + threadIdx.x; at < to; at += blockDim.x) {
        double value = g[blockIdx.y * stride + at];
        sum += value * value;
    }
    sum = block_sum_f64(sum, shared);
    if (threadIdx.x == 0) partial[(size_t)blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

// what a run is told of a step
struct Factors {
    // of the mean loss
    double targets, clip;
    // learning rate over the bias of the first moment, inverse bias of the second, what decay leaves of a matrix
    double rate, unbias2, keep;
    // 1 where the run takes part in the step; the loss of a training that has failed, nats per target
    double takes_part, hopeless;
};
// what it tells of it: total loss in nats, norm of the gradient of the mean loss before clipping
struct Told {
    double nats, norm;
};

// total losses, over parts of a batch where it adds; a run whose loss is not finite or hopeless is stopped for good; one block a run
KERNEL losses(const float* nats, const Factors* factors, Told* told, u32* stopped, int m, int adds) {
    __shared__ double shared[32];
    double sum = 0;
    for (int at = threadIdx.x; at < m; at += blockDim.x) sum += nats[(size_t)blockIdx.x * m + at];
    sum = block_sum_f64(sum, shared);
    if (threadIdx.x == 0) {
        if (adds) sum += told[blockIdx.x].nats;
        told[blockIdx.x].nats = sum;
        // written so that a loss that is no number stops it too
        if (!(sum <= factors[blockIdx.x].hopeless * factors[blockIdx.x].targets)) stopped[blockIdx.x] = 1;
    }
}

// one step of AdamW with the norm clipped, over flat buffers whose entries before `decayed` are decayed; `small` are the weights as products read
// them, where these are not the weights themselves; grid (blocks, R)
template <typename T>
DEVICE void adamw(float* w, T* small, const float* g, float* moment1, float* moment2, u64 stride, u64 decayed, const double* partial, int blocks,
                  const Factors* factors, Told* told, u32* stopped, float beta1, float beta2, float eps) {
    __shared__ double shared[32];
    u32 run = blockIdx.y;
    double sum = 0;
    for (int at = threadIdx.x; at < blocks; at += blockDim.x) sum += partial[(size_t)run * blocks + at];
    const Factors f = factors[run];
    double norm = sqrt(block_sum_f64(sum, shared)) / f.targets;
    bool is_finite = norm < INFINITY, moves = is_finite && f.takes_part != 0 && !stopped[run];
    // all blocks of the run have the same norm, so that none of them moves whether it sees this or not
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        told[run].norm = norm;
        if (!is_finite) stopped[run] = 1;
    }
    if (!moves) return;
    float scale = (float)(fmin(f.clip / norm, 1.0) / f.targets), rate = (float)f.rate, unbias2 = (float)f.unbias2;
    for (u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x; at < stride; at += (u64)gridDim.x * blockDim.x) {
        u64 i = run * stride + at;
        float gradient = g[i] * scale, keep = at < decayed ? (float)f.keep : 1.0f;
        float m = beta1 * moment1[i] + (1 - beta1) * gradient, v = beta2 * moment2[i] + (1 - beta2) * gradient * gradient;
        float next = w[i] * keep - rate * m / (sqrtf(v * unbias2) + eps);
        moment1[i] = m;
        moment2[i] = v;
        w[i] = next;
        if (small) small[i] = rounded<T>(next);
    }
}

// y = x rounded
KERNEL round_bf16(const float* x, bf16* y, u64 entries) {
    for (u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x; at < entries; at += (u64)gridDim.x * blockDim.x) y[at] = rounded<bf16>(x[at]);
}

#include "attention.cu"

// ---- both types

#define BOTH(NAME, PARAMETERS, ARGUMENTS)                                     \
    KERNEL NAME##_f32 PARAMETERS(float) { NAME<float> ARGUMENTS; }            \
    KERNEL NAME##_bf16 PARAMETERS(bf16) { NAME<bf16> ARGUMENTS; }

#define P(T) (const float* x, const float* w, u64 stride, T* h, T* copy, int rows, int d, float eps)
BOTH(rms_norm, P, (x, w, stride, h, copy, rows, d, eps))
#undef P
#define P(T) (const T* x, const float* w, u64 stride, const T* dh, float* dx, T* small, float* partial, int rows, int d, float eps)
KERNEL __launch_bounds__(256, 2) rms_norm_backward_f32 P(float) { rms_norm_backward<float>(x, w, stride, dh, dx, small, partial, rows, d, eps); }
KERNEL __launch_bounds__(256, 2) rms_norm_backward_bf16 P(bf16) { rms_norm_backward<bf16>(x, w, stride, dh, dx, small, partial, rows, d, eps); }
#undef P
#define P(T) (const T* x, const u32* rows, T* y, int n, int m, int d)
BOTH(gather, P, (x, rows, y, n, m, d))
BOTH(scatter, P, (x, rows, y, n, m, d))
#undef P
#define P(T) (const T* x, T* y, int f)
BOTH(swiglu, P, (x, y, f))
#undef P
#define P(T) (T* x, const T* dy, int f)
BOTH(swiglu_backward, P, (x, dy, f))
#undef P
#define P(T) (const float* logits, const u32* rows, const u32* targets, float* nats, T* dlogits, int from, int m, int vocab)
BOTH(cross_entropy, P, (logits, rows, targets, nats, dlogits, from, m, vocab))
#undef P
#define P(T) (T* qkv, const u32* start, const float* cosines, const float* sines, int n, int heads, int half, int columns, float sign)
BOTH(turn, P, (qkv, start, cosines, sines, n, heads, half, columns, sign))
#undef P
#define P(T) (const T* qkv, const u32* start, T* out, float* lse, int n, int heads, int kv_heads, int dim, float scale)
BOTH(attention_plain, P, (qkv, start, out, lse, n, heads, kv_heads, dim, scale))
#undef P
#define P(T) (const T* qkv, const u32* start, const T* out, const T* dout, const float* lse, float* delta, T* dqkv, int n, int heads, int kv_heads, int dim, float scale)
BOTH(attention_plain_queries, P, (qkv, start, out, dout, lse, delta, dqkv, n, heads, kv_heads, dim, scale))
#undef P
#define P(T) (const T* qkv, const u32* end, const T* dout, const float* lse, const float* delta, T* dqkv, int n, int heads, int kv_heads, int dim, float scale)
BOTH(attention_plain_keys, P, (qkv, end, dout, lse, delta, dqkv, n, heads, kv_heads, dim, scale))
#undef P
#define P(T) (float* w, T* small, const float* g, float* moment1, float* moment2, u64 stride, u64 decayed, const double* partial, int blocks, const Factors* factors, Told* told, u32* stopped, float beta1, float beta2, float eps)
BOTH(adamw, P, (w, small, g, moment1, moment2, stride, decayed, partial, blocks, factors, told, stopped, beta1, beta2, eps))
#undef P
