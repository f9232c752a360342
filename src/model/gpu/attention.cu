// Attention on tensor cores: bf16, heads of 16, 32, 64 or 128 entries, n a multiple of 64. A block has four warps; each warp has 16 rows (queries, or
// keys in `attention_keys`) and goes over tiles of 64 of the others. Scores are made again in the backward from lse, and never leave the registers
// (Dao 2023). Gradients in queries and in keys and values are two kernels, so that no sum depends on the order of blocks.

#define TILE 64
#define ATTENTION_THREADS 128
// of a tile, what the backward has scores of at a time: more would not fit the registers
#define STRIP 32

// c (16, 8) += a (16, 16) b (16, 8); with g = lane / 4 and t = lane % 4 a lane holds a (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8), b (2t, g),
// (2t + 8, g), two entries each, and c (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)
#ifdef __CUDACC__
DEVICE void multiply(float c[4], const u32 a[4], u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
DEVICE u32 bits(bf16 x) { return (u32)__bfloat16_as_ushort(x); }
// four matrices (8, 8) of shared memory, lane l being given row l % 8 of matrix l / 8: of each a lane gets entries (g, 2t) and (g, 2t + 1), or (2t, g)
// and (2t + 1, g) of the turned ones
DEVICE void matrices(u32 x[4], const bf16* row) {
    u32 at = (u32)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(at));
}
DEVICE void turned_matrices(u32 x[4], const bf16* row) {
    u32 at = (u32)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3]) : "r"(at));
}
// starts to copy eight entries to shared memory
DEVICE void copy_eight(bf16* to, const bf16* from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((u32)__cvta_generic_to_shared(to)), "l"(from) : "memory");
}
// what this thread copies from here on is a group of its own
DEVICE void end_group() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// waits for all groups of this thread but the last
DEVICE void finish_groups_but_last() { asm volatile("cp.async.wait_group 1;" ::: "memory"); }
// waits for all copies of this thread
DEVICE void finish_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }
#endif

// two entries that follow each other
DEVICE u32 pair(const bf16* at) { return *(const u32*)at; }
DEVICE u32 packed(float low, float high) { return bits(__float2bfloat16(low)) | bits(__float2bfloat16(high)) << 16; }
DEVICE float quad_sum(float x) {
    x += __shfl_xor_sync(0xffffffff, x, 1);
    return x + __shfl_xor_sync(0xffffffff, x, 2);
}
DEVICE float quad_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffff, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffff, x, 2));
}
DEVICE float low_of(u32 x) { return real(((const bf16*)&x)[0]); }
DEVICE float high_of(u32 x) { return real(((const bf16*)&x)[1]); }

// rows of a tile in shared memory are 8 entries apart from a multiple of 64: no two rows in one bank
template <int D> struct __align__(16) Tile {
    static const int STRIDE = D + 8;
    bf16 entries[TILE * STRIDE];
    __device__ const bf16* at(int row, int c) const { return entries + row * STRIDE + c; }
    // starts to copy 64 rows of a matrix whose rows are `columns` apart
    __device__ void load(const bf16* from, size_t columns) {
#pragma unroll
        for (int i = 0; i < TILE * D / 8 / ATTENTION_THREADS; i++) {
            int at = i * ATTENTION_THREADS + threadIdx.x, row = at / (D / 8), c = at % (D / 8) * 8;
            copy_eight(entries + row * STRIDE + c, from + row * columns + c);
        }
    }
};

// the 16 rows of a warp as the left factor of products over D
template <int D> DEVICE void left(u32 a[D / 16][4], const bf16* from, size_t columns) {
    int g = LANE / 4, t = LANE % 4;
    for (int k = 0; k < D / 16; k++)
        for (int part = 0; part < 4; part++) a[k][part] = pair(from + (g + part % 2 * 8) * columns + k * 16 + part / 2 * 8 + 2 * t);
}

// scores (16, N) = a (16, D) tile (N of its rows, D)^T
template <int D, int N> DEVICE void scores_of(float scores[N / 8][4], const u32 a[D / 16][4], const Tile<D>& tile, int first) {
    int row = first + LANE % 8, matrix = LANE / 8;
#pragma unroll
    for (int j = 0; j < N / 8; j += 2) {
#pragma unroll
        for (int c = 0; c < 4; c++) scores[j][c] = scores[j + 1][c] = 0;
#pragma unroll
        for (int k = 0; k < D / 16; k++) {
            u32 b[4];
            matrices(b, tile.at((j + matrix / 2) * 8 + row, k * 16 + matrix % 2 * 8));
            multiply(scores[j], a[k], b[0], b[1]);
            multiply(scores[j + 1], a[k], b[2], b[3]);
        }
    }
}

// sum (16, D) += weights (16, N) tile (N of its rows, D)
template <int D, int N> DEVICE void weigh(float sum[D / 8][4], const float weights[N / 8][4], const Tile<D>& tile, int first) {
    int row = first + LANE % 8, matrix = LANE / 8;
#pragma unroll
    for (int k = 0; k < N / 16; k++) {
        const float *low = weights[2 * k], *high = weights[2 * k + 1];
        u32 a[4] = {packed(low[0], low[1]), packed(low[2], low[3]), packed(high[0], high[1]), packed(high[2], high[3])};
#pragma unroll
        for (int j = 0; j < D / 8; j += 2) {
            u32 b[4];
            turned_matrices(b, tile.at(k * 16 + matrix % 2 * 8 + row, (j + matrix / 2) * 8));
            multiply(sum[j], a, b[0], b[1]);
            multiply(sum[j + 1], a, b[2], b[3]);
        }
    }
}

// writes 16 rows, of which rows g and g + 8 are multiplied by scales of their own
template <int D> DEVICE void put(const float sum[D / 8][4], float scale0, float scale1, bf16* to, size_t columns) {
    int g = LANE / 4, t = LANE % 4;
#pragma unroll
    for (int j = 0; j < D / 8; j++) {
        *(u32*)(to + g * columns + j * 8 + 2 * t) = packed(sum[j][0] * scale0, sum[j][1] * scale0);
        *(u32*)(to + (g + 8) * columns + j * 8 + 2 * t) = packed(sum[j][2] * scale1, sum[j][3] * scale1);
    }
}

// the same for gradients of turned heads, which are turned back by the angles (positions, D / 2) of the two rows
template <int D>
DEVICE void put_back(float sum[D / 8][4], const float* cosines, const float* sines, const int position[2], bf16* to, size_t columns) {
    int t = LANE % 4;
#pragma unroll
    for (int j = 0; j < D / 16; j++)
#pragma unroll
        for (int c = 0; c < 4; c++) {
            float *low = &sum[j][c], *high = &sum[j + D / 16][c], a = *low, b = *high;
            int angle = position[c / 2] * (D / 2) + j * 8 + 2 * t + c % 2;
            float cosine = cosines[angle], sine = sines[angle];
            *low = a * cosine + b * sine;
            *high = b * cosine - a * sine;
        }
    put<D>(sum, 1, 1, to, columns);
}

// out (R, n, heads D), lse (R, heads, n); grid (n / 64, heads, R)
template <int D>
DEVICE void attention(const bf16* qkv, const u32* start, bf16* out, float* lse, int n, int heads, int kv_heads, float scale) {
    __shared__ Tile<D> keys, values;
    int first = blockIdx.x * TILE, own = first + WARP * 16, head = blockIdx.y, kv = head / (heads / kv_heads), g = LANE / 4, t = LANE % 4;
    size_t columns = (size_t)(heads + 2 * kv_heads) * D;
    const bf16* base = qkv + (size_t)blockIdx.z * n * columns;
    start += (size_t)blockIdx.z * n;
    u32 q[D / 16][4];
    left<D>(q, base + own * columns + head * D, columns);
    int rows[2] = {own + g, own + g + 8}, starts[2] = {(int)start[rows[0]], (int)start[rows[1]]};
    float sum[D / 8][4] = {}, most[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
    // from the last tile on, which is loaded before it is known where the sequence starts
    int tile = blockIdx.x, first_tile = start[first] / TILE;
    do {
        BARRIER;
        keys.load(base + (size_t)tile * TILE * columns + (heads + kv) * D, columns);
        end_group();
        values.load(base + (size_t)tile * TILE * columns + (heads + kv_heads + kv) * D, columns);
        end_group();
        finish_groups_but_last();
        BARRIER;
        float scores[8][4];
        scores_of<D, TILE>(scores, q, keys, 0);
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float highest = most[half];
#pragma unroll
            for (int j = 0; j < 8; j++)
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    int key = tile * TILE + j * 8 + 2 * t + c;
                    float* score = &scores[j][2 * half + c];
                    *score = key >= starts[half] && key <= rows[half] ? *score * scale : -INFINITY;
                    highest = fmaxf(highest, *score);
                }
            highest = quad_max(highest);
            // a row that has seen no key yet
            float fade = highest == -INFINITY ? 1 : __expf(most[half] - highest), weights = 0;
#pragma unroll
            for (int j = 0; j < 8; j++)
#pragma unroll
                for (int c = 0; c < 2; c++) {
                    float* score = &scores[j][2 * half + c];
                    *score = *score == -INFINITY ? 0 : __expf(*score - highest);
                    weights += *score;
                }
            total[half] = total[half] * fade + quad_sum(weights);
            most[half] = highest;
#pragma unroll
            for (int j = 0; j < D / 8; j++) {
                sum[j][2 * half] *= fade;
                sum[j][2 * half + 1] *= fade;
            }
        }
        finish_copies();
        BARRIER;
        weigh<D, TILE>(sum, scores, values, 0);
    } while (--tile >= first_tile);
    put<D>(sum, 1 / total[0], 1 / total[1], out + (((size_t)blockIdx.z * n + own) * heads + head) * D, (size_t)heads * D);
    if (t == 0)
        for (int half = 0; half < 2; half++) lse[((size_t)blockIdx.z * heads + head) * n + rows[half]] = most[half] + logf(total[half]);
}

// the gradient in the queries before they were turned, and delta (R, heads, n) = sum of out dout; grid (n / 64, heads, R)
template <int D>
DEVICE void attention_queries(const bf16* qkv, const u32* start, const float* cosines, const float* sines, const bf16* out, const bf16* dout,
                              const float* lse, float* delta, bf16* dqkv, int n, int heads, int kv_heads, float scale) {
    __shared__ Tile<D> keys, values;
    int first = blockIdx.x * TILE, own = first + WARP * 16, head = blockIdx.y, kv = head / (heads / kv_heads), g = LANE / 4, t = LANE % 4;
    size_t columns = (size_t)(heads + 2 * kv_heads) * D, out_columns = (size_t)heads * D, at_out = ((size_t)blockIdx.z * n + own) * out_columns + head * D;
    const bf16* base = qkv + (size_t)blockIdx.z * n * columns;
    start += (size_t)blockIdx.z * n;
    int rows[2] = {own + g, own + g + 8}, starts[2] = {(int)start[rows[0]], (int)start[rows[1]]};
    u32 q[D / 16][4], d[D / 16][4], o[D / 16][4];
    left<D>(q, base + own * columns + head * D, columns);
    left<D>(d, dout + at_out, out_columns);
    left<D>(o, out + at_out, out_columns);
    float deltas[2] = {0, 0}, lses[2], sum[D / 8][4] = {};
    int first_seen = start[own];
    for (int k = 0; k < D / 16; k++)
        for (int part = 0; part < 4; part++) deltas[part % 2] += low_of(d[k][part]) * low_of(o[k][part]) + high_of(d[k][part]) * high_of(o[k][part]);
    for (int half = 0; half < 2; half++) {
        size_t at = ((size_t)blockIdx.z * heads + head) * n + rows[half];
        deltas[half] = quad_sum(deltas[half]);
        lses[half] = lse[at];
        if (t == 0) delta[at] = deltas[half];
    }
    for (int tile = start[first] / TILE; tile <= (int)blockIdx.x; tile++) {
        BARRIER;
        keys.load(base + (size_t)tile * TILE * columns + (heads + kv) * D, columns);
        values.load(base + (size_t)tile * TILE * columns + (heads + kv_heads + kv) * D, columns);
        finish_copies();
        BARRIER;
#pragma unroll 1
        for (int strip = 0; strip < TILE; strip += STRIP) {
            int key0 = tile * TILE + strip;
            // none of these is seen by a row of the warp
            if (key0 > own + 15 || key0 + STRIP <= first_seen) continue;
            float scores[STRIP / 8][4], dweights[STRIP / 8][4];
            scores_of<D, STRIP>(scores, q, keys, strip);
            scores_of<D, STRIP>(dweights, d, values, strip);
#pragma unroll
            for (int j = 0; j < STRIP / 8; j++)
#pragma unroll
                for (int c = 0; c < 4; c++) {
                    int key = key0 + j * 8 + 2 * t + c % 2, half = c / 2;
                    float weight = key >= starts[half] && key <= rows[half] ? __expf(scores[j][c] * scale - lses[half]) : 0;
                    scores[j][c] = weight * (dweights[j][c] - deltas[half]) * scale;
                }
            weigh<D, STRIP>(sum, scores, keys, strip);
        }
    }
    int positions[2] = {rows[0] - starts[0], rows[1] - starts[1]};
    put_back<D>(sum, cosines, sines, positions, dqkv + ((size_t)blockIdx.z * n + own) * columns + head * D, columns);
}

// the gradients in keys before they were turned, and in values; `end` (R, n) is one past the last row of the sequence of each; grid (n / 64, kv_heads, R)
template <int D>
DEVICE void attention_keys(const bf16* qkv, const u32* start, const u32* end, const float* cosines, const float* sines, const bf16* dout,
                           const float* lse, const float* delta, bf16* dqkv, int n, int heads, int kv_heads, float scale) {
    __shared__ Tile<D> queries, douts;
    __shared__ float lses[TILE], deltas[TILE];
    __shared__ int starts[TILE];
    int first = blockIdx.x * TILE, own = first + WARP * 16, kv = blockIdx.y, group = heads / kv_heads, g = LANE / 4, t = LANE % 4;
    size_t columns = (size_t)(heads + 2 * kv_heads) * D, out_columns = (size_t)heads * D;
    const bf16 *base = qkv + (size_t)blockIdx.z * n * columns, *base_out = dout + (size_t)blockIdx.z * n * out_columns;
    start += (size_t)blockIdx.z * n;
    u32 k[D / 16][4], v[D / 16][4];
    left<D>(k, base + own * columns + (heads + kv) * D, columns);
    left<D>(v, base + own * columns + (heads + kv_heads + kv) * D, columns);
    int keys[2] = {own + g, own + g + 8}, last = ((int)end[(size_t)blockIdx.z * n + first + TILE - 1] - 1) / TILE;
    int last_row = (int)end[(size_t)blockIdx.z * n + own + 15];
    float dk[D / 8][4] = {}, dv[D / 8][4] = {};
    for (int head = kv * group; head < (kv + 1) * group; head++)
        for (int tile = blockIdx.x; tile <= last; tile++) {
            BARRIER;
            queries.load(base + (size_t)tile * TILE * columns + head * D, columns);
            douts.load(base_out + (size_t)tile * TILE * out_columns + head * D, out_columns);
            for (int at = threadIdx.x; at < TILE; at += blockDim.x) {
                size_t row = ((size_t)blockIdx.z * heads + head) * n + tile * TILE + at;
                lses[at] = lse[row];
                deltas[at] = delta[row];
                starts[at] = start[tile * TILE + at];
            }
            finish_copies();
            BARRIER;
#pragma unroll 1
            for (int strip = 0; strip < TILE; strip += STRIP) {
                int row0 = tile * TILE + strip;
                // none of these sees a key of the warp
                if (row0 + STRIP <= own || row0 >= last_row) continue;
                float scores[STRIP / 8][4], dweights[STRIP / 8][4];
                scores_of<D, STRIP>(scores, k, queries, strip);
                scores_of<D, STRIP>(dweights, v, douts, strip);
#pragma unroll
                for (int j = 0; j < STRIP / 8; j++)
#pragma unroll
                    for (int c = 0; c < 4; c++) {
                        int at = strip + j * 8 + 2 * t + c % 2, row = tile * TILE + at, key = keys[c / 2];
                        float weight = row >= key && key >= starts[at] ? __expf(scores[j][c] * scale - lses[at]) : 0;
                        scores[j][c] = weight;
                        dweights[j][c] = weight * (dweights[j][c] - deltas[at]) * scale;
                    }
                weigh<D, STRIP>(dv, scores, douts, strip);
                weigh<D, STRIP>(dk, dweights, queries, strip);
            }
        }
    bf16* to = dqkv + ((size_t)blockIdx.z * n + own) * columns + (heads + kv) * D;
    int positions[2] = {keys[0] - (int)start[keys[0]], keys[1] - (int)start[keys[1]]};
    put_back<D>(dk, cosines, sines, positions, to, columns);
    put<D>(dv, 1, 1, to + (size_t)kv_heads * D, columns);
}

#define OF_SIZE(D)                                                                                                                               \
    KERNEL __launch_bounds__(ATTENTION_THREADS, D > 64 ? 2 : 4) attention_##D(const bf16* qkv, const u32* start, bf16* out, float* lse, int n, int heads, int kv_heads,        \
                                                float scale) {                                                                                   \
        attention<D>(qkv, start, out, lse, n, heads, kv_heads, scale);                                                                           \
    }                                                                                                                                            \
    KERNEL __launch_bounds__(ATTENTION_THREADS, D > 64 ? 2 : 3)                                                                                                \
        attention_queries_##D(const bf16* qkv, const u32* start, const float* cosines, const float* sines, const bf16* out, const bf16* dout,    \
                              const float* lse, float* delta, bf16* dqkv, int n, int heads, int kv_heads, float scale) {                         \
        attention_queries<D>(qkv, start, cosines, sines, out, dout, lse, delta, dqkv, n, heads, kv_heads, scale);                                \
    }                                                                                                                                            \
    KERNEL __launch_bounds__(ATTENTION_THREADS, D > 64 ? 2 : 3)                                                                                                \
        attention_keys_##D(const bf16* qkv, const u32* start, const u32* end, const float* cosines, const float* sines, const bf16* dout,        \
                           const float* lse, const float* delta, bf16* dqkv, int n, int heads, int kv_heads, float scale) {                      \
        attention_keys<D>(qkv, start, end, cosines, sines, dout, lse, delta, dqkv, n, heads, kv_heads, scale);                                   \
    }
OF_SIZE(16)
OF_SIZE(32)
OF_SIZE(64)
OF_SIZE(128)
