// A graphics card on the CPU, slow and exact: what kernels.cu needs of one, for its tests. Each thread of a block is a fiber; fibers change places at
// barriers and where a warp exchanges values. The types and functions are those of CUDA.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <csetjmp>
#include <memory>
#include <type_traits>
#include <ucontext.h>
#include <utility>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
#define BARRIER emulator::barrier()

#define DYNAMIC_SHARED(type, name) type* name = (type*)emulator::shared

namespace emulator {
static unsigned current;
}
struct dim3 { unsigned x, y, z; };
struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
struct alignas(16) float4 { float x, y, z, w; };
#define __expf expf
static dim3 blockIdx, blockDim, gridDim;
// a fiber asks anew after another one had the turn
#define threadIdx (dim3{emulator::current, 0, 0})

template <typename A> static A min(A a, A b) { return a < b ? a : b; }
static unsigned long long min(uint64_t a, unsigned long long b) { return a < b ? a : b; }

struct bf16 { uint16_t bits; };
static uint32_t bits(bf16 x) { return x.bits; }
static float __bfloat162float(bf16 x) {
    uint32_t wide = (uint32_t)x.bits << 16;
    float value;
    memcpy(&value, &wide, 4);
    return value;
}
// to the nearest, ties to even
static bf16 __float2bfloat16(float x) {
    uint32_t wide;
    memcpy(&wide, &x, 4);
    if (x != x) return {0x7fff};
    return {(uint16_t)((wide + 0x7fff + (wide >> 16 & 1)) >> 16)};
}

namespace emulator {
const int STACK = 1 << 17, MOST_THREADS = 1024, MOST_SHARED = 1 << 18;
struct Meeting { unsigned arrived = 0, round = 0; };
struct Fiber { jmp_buf place; std::unique_ptr<char[]> stack; bool is_done = true; };
static Fiber fibers[MOST_THREADS];
static jmp_buf scheduler;
static unsigned alive;
static Meeting of_block, of_warp[MOST_THREADS / 32];
static unsigned alive_in_warp[MOST_THREADS / 32];
// what the lanes of a warp show each other
static double shown[MOST_THREADS / 32][32];
static uint32_t factors[MOST_THREADS / 32][32][6];
static const bf16* rows[MOST_THREADS / 32][32];
alignas(16) static unsigned char shared[MOST_SHARED];
static void (*body)(void**);
static void** arguments;

// jumps keep no signal masks, which makes them a hundred times as fast as switches of contexts
static void wait() {
    if (!_setjmp(fibers[current].place)) _longjmp(scheduler, 1);
}
static void meet(Meeting& meeting, const unsigned& of) {
    unsigned round = meeting.round;
    meeting.arrived++;
    while (meeting.round == round) {
        if (meeting.arrived >= of) {
            meeting.arrived = 0;
            meeting.round++;
        } else wait();
    }
}
static void barrier() { meet(of_block, alive); }
static void meet_warp() { meet(of_warp[current / 32], alive_in_warp[current / 32]); }
// a fiber lives on from block to block
static void run_fiber() {
    for (;; wait()) {
        body(arguments);
        fibers[current].is_done = true;
        alive--;
        alive_in_warp[current / 32]--;
    }
}
static void resume(Fiber& fiber) {
    if (_setjmp(scheduler)) return;
    if (fiber.stack) _longjmp(fiber.place, 1);
    fiber.stack.reset(new char[STACK]);
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fiber.stack.get();
    context.uc_stack.ss_size = STACK;
    context.uc_link = nullptr;
    makecontext(&context, run_fiber, 0);
    setcontext(&context);
}
static void run_block(unsigned threads) {
    alive = threads;
    // an unwritten value must not look like a right one
    memset(shared, 0xff, sizeof shared);
    for (auto& warp : of_warp) warp = {};
    of_block = {};
    for (unsigned warp = 0; warp < threads / 32; warp++) alive_in_warp[warp] = 32;
    for (unsigned at = 0; at < threads; at++) fibers[at].is_done = false;
    while (alive > 0)
        for (current = 0; current < threads; current++)
            if (!fibers[current].is_done) resume(fibers[current]);
}
template <typename... A, size_t... I> static void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*(std::remove_reference_t<A>*)arguments[I]...);
}
template <typename... A> static void call(void (*kernel)(A...), void** arguments) { call(kernel, arguments, std::index_sequence_for<A...>()); }
}  // namespace emulator

template <typename A> static A __shfl_xor_sync(unsigned, A x, int apart) {
    unsigned own = emulator::current;
    emulator::shown[own / 32][own % 32] = x;
    emulator::meet_warp();
    A other = emulator::shown[own / 32][own % 32 ^ apart];
    emulator::meet_warp();
    return other;
}

static void multiply(float c[4], const uint32_t a[4], uint32_t b0, uint32_t b1) {
    unsigned own = emulator::current, lane = own % 32;
    auto& warp = emulator::factors[own / 32];
    memcpy(warp[lane], a, 16);
    warp[lane][4] = b0;
    warp[lane][5] = b1;
    emulator::meet_warp();
    auto half = [](uint32_t pair, int which) { return __bfloat162float({(uint16_t)(which ? pair >> 16 : pair)}); };
    for (int at = 0; at < 4; at++) {
        int row = lane / 4 + at / 2 * 8, column = lane % 4 * 2 + at % 2;
        float sum = 0;
        for (int k = 0; k < 16; k++) {
            uint32_t left = warp[row % 8 * 4 + k % 8 / 2][row / 8 + k / 8 * 2], right = warp[column * 4 + k % 8 / 2][4 + k / 8];
            sum += half(left, k % 2) * half(right, k % 2);
        }
        c[at] += sum;
    }
    emulator::meet_warp();
}

static void matrices(uint32_t x[4], const bf16* row, bool are_turned) {
    unsigned own = emulator::current, lane = own % 32;
    auto& warp = emulator::rows[own / 32];
    warp[lane] = row;
    emulator::meet_warp();
    for (int matrix = 0; matrix < 4; matrix++) {
        uint32_t entries[2];
        for (int at = 0; at < 2; at++) {
            int r = lane / 4, c = lane % 4 * 2 + at;
            entries[at] = bits(are_turned ? warp[matrix * 8 + c][r] : warp[matrix * 8 + r][c]);
        }
        x[matrix] = entries[0] | entries[1] << 16;
    }
    emulator::meet_warp();
}
static void matrices(uint32_t x[4], const bf16* row) { matrices(x, row, false); }
static void turned_matrices(uint32_t x[4], const bf16* row) { matrices(x, row, true); }
static void copy_eight(bf16* to, const bf16* from) { memcpy(to, from, 16); }
static void end_group() {}
static void finish_groups_but_last() {}
static void finish_copies() {}
