//! A real card: the CUDA driver, cuBLAS, and `kernels.cu` as PTX made at build time. Work goes to
//! one stream; what repeats becomes a CUDA graph.

use super::card::{Address, Argument, Card, Kind, Launch, Product};
use super::{CardFull, Precision};
use candle_core::cuda_backend::cudarc::cublas::{result as blas, sys as blas_sys};
use candle_core::cuda_backend::cudarc::driver::{
    CudaContext, CudaSlice, CudaStream, DevicePtr, result as driver, sys,
};
use candle_core::{CudaDevice, Error, Result, bail};
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

/// `kernels.cu` for all cards from sm_80 on; the driver makes machine code of it.
const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// Bytes that cuBLAS may use on the side: what NVIDIA asks for on Hopper.
const WORKSPACE: usize = 32 << 20;

/// Times that work is done before it is recorded.
const BEFORE_RECORD: u32 = 1;

/// See the module.
pub(super) struct Cuda {
    device: CudaDevice,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    blas: blas_sys::cublasHandle_t,
    _workspace: CudaSlice<u8>,
    functions: Mutex<HashMap<&'static str, sys::CUfunction>>,
    records: HashMap<u64, Record>,
}

/// Work that repeats.
enum Record {
    /// How often it has been done.
    Seen(u32),
    /// As a graph.
    Graph(sys::CUgraphExec),
}

// SAFETY: the handles are used by one thread at a time, which every call binds to the context first
unsafe impl Send for Cuda {}

impl std::fmt::Debug for Cuda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cuda").field("card", &self.context.ordinal()).finish()
    }
}

impl Cuda {
    /// The card of a device, with a stream of its own.
    pub(super) fn new(device: &CudaDevice) -> Result<Self> {
        let context = device.cuda_stream().context().clone();
        context.bind_to_thread().map_err(Error::wrap)?;
        // what candle has been asked for is done before the first read of its memory
        device.cuda_stream().synchronize().map_err(Error::wrap)?;
        let stream = context.new_stream().map_err(Error::wrap)?;
        // SAFETY: any bytes will do
        let workspace = unsafe { stream.alloc::<u8>(WORKSPACE) }.map_err(Error::wrap)?;
        let blas = blas::create_handle().map_err(Error::wrap)?;
        // SAFETY: the handle lives, and the workspace as long as it
        unsafe {
            blas::set_stream(blas, stream.cu_stream().cast()).map_err(Error::wrap)?;
            let at = workspace.device_ptr(&stream).0;
            blas_sys::cublasSetWorkspace_v2(blas, at as *mut c_void, WORKSPACE)
                .result()
                .map_err(Error::wrap)?;
        }
        let (device, functions, records) = (device.clone(), Mutex::default(), HashMap::new());
        Ok(Cuda { device, context, stream, blas, _workspace: workspace, functions, records })
    }

    fn function(&self, kernel: &'static str) -> Result<sys::CUfunction> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        match functions.get(kernel) {
            Some(function) => Ok(*function),
            None => {
                // the device keeps the module, whose machine code takes seconds to make
                let function =
                    self.device.get_or_load_custom_func(kernel, "parallot", PTX)?.cu_function();
                functions.insert(kernel, function);
                Ok(function)
            }
        }
    }

    /// Records work as a graph.
    fn record(&self, work: &dyn Fn(&Self) -> Result<()>) -> Result<sys::CUgraphExec> {
        let stream = self.stream.cu_stream();
        // SAFETY: the stream lives; a capture that was begun is ended whatever the work came to
        unsafe {
            let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
            sys::cuStreamBeginCapture_v2(stream, mode).result().map_err(Error::wrap)?;
            let done = work(self);
            let mut graph = std::ptr::null_mut();
            let ended = sys::cuStreamEndCapture(stream, &mut graph).result().map_err(Error::wrap);
            done?;
            ended?;
            let mut ready = std::ptr::null_mut();
            let made = sys::cuGraphInstantiateWithFlags(&mut ready, graph, 0)
                .result()
                .map_err(Error::wrap);
            sys::cuGraphDestroy(graph).result().map_err(Error::wrap)?;
            made?;
            Ok(ready)
        }
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        // nothing is left to be done about an error here
        let _ = self.stream.synchronize();
        let _ = self.forget();
        // SAFETY: the handle is not used again
        let _ = unsafe { blas::destroy_handle(self.blas) };
    }
}

impl Card for Cuda {
    type Memory = CudaSlice<u8>;

    fn alloc(&self, bytes: usize) -> Result<CudaSlice<u8>> {
        self.context.bind_to_thread().map_err(Error::wrap)?;
        self.stream.alloc_zeros::<u8>(bytes.max(1)).map_err(|error| {
            match (error.0, self.context.mem_get_info()) {
                (sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY, Ok((free, total))) => {
                    Error::Cuda(Box::new(CardFull { asked: bytes, free, total }))
                }
                _ => Error::wrap(error),
            }
        })
    }

    fn address(memory: &CudaSlice<u8>) -> Address {
        memory.device_ptr(memory.stream()).0
    }

    fn write(&self, to: Address, from: &[u8]) -> Result<()> {
        self.context.bind_to_thread().map_err(Error::wrap)?;
        // SAFETY: callers write within their memory; pageable memory of the host is copied before
        // the call returns
        unsafe { driver::memcpy_htod_async(to, from, self.stream.cu_stream()) }.map_err(Error::wrap)
    }

    fn read(&self, from: Address, to: &mut [u8]) -> Result<()> {
        self.context.bind_to_thread().map_err(Error::wrap)?;
        // SAFETY: callers read within their memory, and wait for it
        unsafe { driver::memcpy_dtoh_async(to, from, self.stream.cu_stream()) }
            .map_err(Error::wrap)?;
        self.stream.synchronize().map_err(Error::wrap)
    }

    fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<()> {
        // SAFETY: callers copy within their memory
        unsafe { driver::memcpy_dtod_async(to, from, bytes, self.stream.cu_stream()) }
            .map_err(Error::wrap)
    }

    fn clear(&self, at: Address, bytes: usize) -> Result<()> {
        // SAFETY: callers clear within their memory
        unsafe { driver::memset_d8_async(at, 0, bytes, self.stream.cu_stream()) }
            .map_err(Error::wrap)
    }

    fn launch(&self, launch: &Launch<'_>) -> Result<()> {
        let function = self.function(launch.kernel)?;
        let mut values: Vec<u64> = launch.arguments.iter().map(|&Argument(bits)| bits).collect();
        let mut arguments: Vec<*mut c_void> =
            values.iter_mut().map(|value| std::ptr::from_mut(value).cast()).collect();
        let [x, y, z] = launch.grid.map(|blocks| blocks as u32);
        if launch.shared > 48 << 10 {
            let most = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the function lives as long as its module
            unsafe { sys::cuFuncSetAttribute(function, most, launch.shared as i32) }
                .result()
                .map_err(Error::wrap)?;
        }
        // SAFETY: arguments are as many as the kernel's and of 8 bytes each, of which it reads the
        // low ones; they are copied by the call
        unsafe {
            let (threads, shared, stream) =
                ((launch.threads as u32, 1, 1), launch.shared as u32, self.stream.cu_stream());
            driver::launch_kernel(function, (x, y, z), threads, shared, stream, &mut arguments)
                .map_err(Error::wrap)
        }
    }

    fn multiply(&self, product: &Product) -> Result<()> {
        use blas_sys::cublasOperation_t::{CUBLAS_OP_N as PLAIN, CUBLAS_OP_T as TURNED};
        let Product { kind, n, m, k, precision, is_single, adds, left, right, result, runs } =
            *product;
        // cuBLAS has columns where we have rows: it computes the transposed result, with the
        // factors in the other order
        let (turned, [rows, columns, inner], [a, b], [lda, ldb, ldc]) = match kind {
            Kind::Output => ((TURNED, PLAIN), [m, n, k], [right, left], [k, k, m]),
            Kind::Input => ((PLAIN, PLAIN), [k, n, m], [right, left], [k, m, k]),
            Kind::Weights => ((PLAIN, TURNED), [k, m, n], [right, left], [k, m, k]),
        };
        let single = blas_sys::cudaDataType_t::CUDA_R_32F;
        let factor = match precision {
            Precision::F32 => single,
            Precision::Bf16 => blas_sys::cudaDataType_t::CUDA_R_16BF,
        };
        let of_result = if is_single { single } else { factor };
        let (one, beta) = (1f32, if adds { 1f32 } else { 0.0 });
        let [rows, columns, inner, lda, ldb, ldc, runs] =
            [rows, columns, inner, lda, ldb, ldc, runs].map(|size| size as i32);
        let (one, beta) = (std::ptr::from_ref(&one).cast(), std::ptr::from_ref(&beta).cast());
        let (compute, algorithm) = (
            blas_sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            blas_sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
        );
        let [at_a, at_b] = [a, b].map(|factor| factor.at as *const c_void);
        let at_c = result.at as *mut c_void;
        // SAFETY: the shapes are those that the callers made room for
        unsafe {
            if runs == 1 {
                return blas::gemm_ex(
                    self.blas, turned.0, turned.1, rows, columns, inner, one, at_a, factor, lda,
                    at_b, factor, ldb, beta, at_c, of_result, ldc, compute, algorithm,
                )
                .map_err(Error::wrap);
            }
            blas::gemm_strided_batched_ex(
                self.blas,
                turned.0,
                turned.1,
                rows,
                columns,
                inner,
                one,
                at_a,
                factor,
                lda,
                a.stride as i64,
                at_b,
                factor,
                ldb,
                b.stride as i64,
                beta,
                at_c,
                of_result,
                ldc,
                result.stride as i64,
                runs,
                compute,
                algorithm,
            )
            .map_err(Error::wrap)
        }
    }

    fn repeat(&mut self, key: u64, work: &dyn Fn(&Self) -> Result<()>) -> Result<()> {
        self.context.bind_to_thread().map_err(Error::wrap)?;
        if let Record::Seen(times @ ..BEFORE_RECORD) =
            self.records.entry(key).or_insert(Record::Seen(0))
        {
            *times += 1;
            return work(self);
        }
        if let Some(Record::Seen(_)) = self.records.get(&key) {
            let graph = self.record(work)?;
            self.records.insert(key, Record::Graph(graph));
        }
        match self.records.get(&key) {
            // SAFETY: the graph lives until `forget`
            Some(Record::Graph(graph)) => {
                unsafe { sys::cuGraphLaunch(*graph, self.stream.cu_stream()) }
                    .result()
                    .map_err(Error::wrap)
            }
            _ => bail!("work without a record"),
        }
    }

    fn another(&self) -> Result<Self> {
        self.stream.synchronize().map_err(Error::wrap)?;
        Cuda::new(&self.device)
    }

    fn forget(&mut self) -> Result<()> {
        self.stream.synchronize().map_err(Error::wrap)?;
        for (_, record) in self.records.drain() {
            if let Record::Graph(graph) = record {
                // SAFETY: it has run to its end and is not used again
                unsafe { sys::cuGraphExecDestroy(graph) }.result().map_err(Error::wrap)?;
            }
        }
        Ok(())
    }
}
