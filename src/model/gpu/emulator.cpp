// Runs a kernel of kernels.cu on the CPU by its name, a block after another.
#include "kernels.cu"

namespace {
struct Named {
    const char* name;
    void (*body)(void**);
};
#define ONE(kernel) {#kernel, [](void** arguments) { emulator::call(kernel, arguments); }}
#define TWO(kernel) ONE(kernel##_f32), ONE(kernel##_bf16)
#define SIZES(kernel) ONE(kernel##_16), ONE(kernel##_32), ONE(kernel##_64), ONE(kernel##_128)
const Named KERNELS[] = {
    ONE(embed), ONE(embed_backward), ONE(norm_gradients), ONE(squares), ONE(losses), ONE(round_bf16), TWO(rms_norm), TWO(rms_norm_backward),
    TWO(gather), TWO(scatter), TWO(swiglu), TWO(swiglu_backward), TWO(cross_entropy), TWO(turn), TWO(attention_plain),
    TWO(attention_plain_queries), TWO(attention_plain_keys), TWO(adamw), SIZES(attention), SIZES(attention_queries), SIZES(attention_keys),
};
}  // namespace

// 0, or 1 where there is no kernel of that name, or 2 where it asks for more than there is
extern "C" int emulate(const char* name, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned shared, void** arguments) {
    if (threads > (unsigned)emulator::MOST_THREADS || threads % 32 || shared > (unsigned)emulator::MOST_SHARED) return 2;
    for (const Named& kernel : KERNELS) {
        if (strcmp(kernel.name, name)) continue;
        emulator::body = kernel.body;
        emulator::arguments = arguments;
        blockDim = {threads, 1, 1};
        gridDim = {x, y, z};
        for (unsigned k = 0; k < z; k++)
            for (unsigned j = 0; j < y; j++)
                for (unsigned i = 0; i < x; i++) {
                    blockIdx = {i, j, k};
                    emulator::run_block(threads);
                }
        return 0;
    }
    return 1;
}
