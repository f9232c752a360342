#!/usr/bin/env bash
# Builds the program with CUDA on a machine that has neither GPU nor driver, from compilers that PyPI has: 25 minutes on two cores. It starts
# anywhere: the driver and cuBLAS are looked for when `--device cuda` asks for them.
#
#   benches/gpu-build.sh WORK      leaves WORK/parallot
#
# At run time it needs libcuda.so.1 (the driver) and libcublas.so.13, libcublasLt.so.13, libcurand.so.10 on LD_LIBRARY_PATH: a CUDA 13 toolkit, or
# the folder nvidia/cu13/lib of PyTorch's wheels.
# CUDA_COMPUTE_CAP   what candle's own kernels are compiled for (80); ours are PTX for every card from sm_80 on
set -euo pipefail
project=$(realpath "$(dirname "$0")/..") work=$(realpath -m "$1")
mkdir -p "$work" && cd "$work"
[ -d venv ] || { python3 -m venv venv && venv/bin/pip install -q nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 \
    nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 nvidia-cuda-nvrtc==13.0.88 nvidia-cublas==13.0.2.14 nvidia-curand==10.4.0.35; }
cu13=$(echo "$work"/venv/lib/python3*/site-packages/nvidia/cu13)
mkdir -p cuda/lib
for part in bin include nvvm; do ln -sfn "$cu13/$part" cuda/$part; done
ln -sfn lib cuda/lib64
for file in "$cu13"/lib/*; do ln -sf "$file" cuda/lib/; done
# the runtime that candle's kernels call is part of the program
rm -f cuda/lib/libcudart.so* && echo 'INPUT(libcudart_static.a -ldl -lrt -lpthread)' >cuda/lib/libcudart.so

# candle asks for a linked driver, without which no program starts: a copy of the project builds on a copy of candle-core that loads it
rm -rf project candle-core && mkdir project
git -C "$project" ls-files -z | (cd "$project" && xargs -0 cp --parents -t "$work/project") 2>/dev/null
cd project
export PARALLOT_REVISION=$(git -C "$project" rev-parse --short=10 HEAD)
version=$(sed -n '/^name = "candle-core"/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
cargo fetch --locked -q
cp -r "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/candle-core-"$version" ../candle-core
sed -i 's/"dynamic-linking"/"dynamic-loading"/' ../candle-core/Cargo.toml
printf '\n[patch.crates-io]\ncandle-core = { path = "../candle-core" }\n' >>Cargo.toml
export CUDA_HOME=$work/cuda CUDA_PATH=$work/cuda NVCC=$work/cuda/bin/nvcc PATH=$work/cuda/bin:$PATH LIBRARY_PATH=$work/cuda/lib
export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80} CUDARC_CUDA_VERSION=13000 CARGO_TARGET_DIR=$work/target
cargo build --release --features cuda --bin parallot
cp "$work/target/release/parallot" "$work/parallot" && strip "$work/parallot"
ls -la "$work/parallot"
# without a driver it says so
if [ ! -e /dev/nvidiactl ]; then
    status=0
    said=$("$work/parallot" bench --model nano --steps 1 --device cuda 2>&1) || status=$?
    echo "$said"
    [ $status = 2 ] && grep -q 'no CUDA driver' <<<"$said"
fi
