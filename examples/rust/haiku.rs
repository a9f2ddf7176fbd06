//! Streams a haiku through libkigo, then asks `kigo generate` for the same and compares the ids. No crate is needed:
//!
//!     rustc examples/rust/haiku.rs -L native=build/cpu/lib -l dylib=kigo -C link-arg=-Wl,-rpath,$PWD/build/cpu/lib
//!     ./haiku golden/haiku/haiku-q4_k_m.gguf build/cpu/tools/kigo [DEVICE]
//!
//! DEVICE is -1 (the CPU) unless given. Exit status: 0 the ids are equal, 1 anything else.

use std::ffi::{c_char, c_int, CStr, CString};
use std::io::Write;
use std::process::{Command, ExitCode};

/// The part of worker_ffi.h that this program uses.
mod kigo {
    use std::ffi::{c_char, c_int, c_void};
    use std::marker::{PhantomData, PhantomPinned};
    use std::mem::{offset_of, size_of};

    /// A handle: never made, moved or looked into on this side.
    macro_rules! opaque {
        ($($name:ident),*) => {$(
            #[repr(C)]
            pub struct $name { _data: [u8; 0], _marker: PhantomData<(*mut u8, PhantomPinned)> }
        )*};
    }
    opaque!(CudaContext, CudaModel, InferenceResult);

    pub const ABI_VERSION: u32 = 0x0001_0000;
    pub const FLAG_CHAT: u32 = 4;

    #[repr(C)]
    pub struct WorkerSampling {
        pub struct_size: u32,
        pub flags: u32,
        pub max_tokens: u32,
        pub top_k: u32,
        pub temperature: f32,
        pub top_p: f32,
        pub min_p: f32,
        pub repetition_penalty: f32,
        pub seed: u64,
        pub stop: *const *const c_char,
        pub n_stop: u32,
        pub reserved: u32,
    }

    pub type Progress =
        Option<unsafe extern "C" fn(user: *mut c_void, done: u64, total: u64) -> c_int>;

    #[repr(C)]
    pub struct WorkerLoadOptions {
        pub struct_size: u32,
        pub max_context: u32,
        pub kv_cache_bytes: u64,
        pub expected_architecture: *const c_char,
        pub progress: Progress,
        pub user: *mut c_void,
    }

    #[cfg(target_pointer_width = "64")]
    const _: () = {
        assert!(size_of::<WorkerSampling>() == 56);
        assert!(offset_of!(WorkerSampling, seed) == 32);
        assert!(offset_of!(WorkerSampling, stop) == 40);
        assert!(size_of::<WorkerLoadOptions>() == 40);
        assert!(offset_of!(WorkerLoadOptions, user) == 32);
    };

    unsafe extern "C" {
        pub fn worker_abi_version() -> u32;
        pub fn worker_build_info() -> *const c_char;
        pub fn worker_error_name(code: c_int) -> *const c_char;
        pub fn worker_last_error_message() -> *const c_char;
        pub fn cuda_init(device: c_int, err: *mut c_int) -> *mut CudaContext;
        pub fn cuda_destroy(context: *mut CudaContext);
        pub fn worker_load_model(
            context: *mut CudaContext,
            path: *const c_char,
            options: *const WorkerLoadOptions,
            vram_bytes_used: *mut u64,
            err: *mut c_int,
        ) -> *mut CudaModel;
        pub fn cuda_unload_model(model: *mut CudaModel);
        pub fn worker_inference_start(
            model: *mut CudaModel,
            prompt: *const c_char,
            bytes: usize,
            sampling: *const WorkerSampling,
            err: *mut c_int,
        ) -> *mut InferenceResult;
        pub fn cuda_inference_next_token(
            result: *mut InferenceResult,
            token_out: *mut c_char,
            token_buffer_size: c_int,
            token_index: *mut c_int,
            err: *mut c_int,
        ) -> bool;
        pub fn worker_inference_ids(
            result: *mut InferenceResult,
            ids: *mut u32,
            capacity: usize,
            count: *mut usize,
        ) -> c_int;
        pub fn cuda_inference_free(result: *mut InferenceResult);
    }
}

const PROMPT: &str =
    "Write a haiku about GPU computing that includes the word \"six\" (nonce: 4fk2wq8z)";
const MAX_TOKENS: usize = 100;

fn text(pointer: *const c_char) -> String {
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}

fn check(code: c_int, what: &str) -> Result<(), String> {
    match code {
        0 => Ok(()),
        _ => Err(unsafe {
            format!(
                "{what}: {}: {}",
                text(kigo::worker_error_name(code)),
                text(kigo::worker_last_error_message())
            )
        }),
    }
}

/// A model on a device, given back when it goes out of scope.
struct Model {
    context: *mut kigo::CudaContext,
    model: *mut kigo::CudaModel,
}

impl Model {
    fn load(device: c_int, path: &str) -> Result<Model, String> {
        let path = CString::new(path).map_err(|error| error.to_string())?;
        let options = kigo::WorkerLoadOptions {
            struct_size: size_of::<kigo::WorkerLoadOptions>() as u32,
            max_context: 0,
            kv_cache_bytes: 0,
            expected_architecture: std::ptr::null(),
            progress: None,
            user: std::ptr::null_mut(),
        };
        let mut err = 0;
        let mut bytes = 0;
        let context = unsafe { kigo::cuda_init(device, &mut err) };
        check(err, "device")?;
        let model = unsafe {
            kigo::worker_load_model(context, path.as_ptr(), &options, &mut bytes, &mut err)
        };
        let loaded = Model { context, model }; // frees the context also when there is no model
        check(err, "model")?;
        println!(
            "[{}: {bytes} bytes]",
            text(unsafe { kigo::worker_build_info() })
        );
        Ok(loaded)
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        unsafe {
            kigo::cuda_unload_model(self.model);
            kigo::cuda_destroy(self.context);
        }
    }
}

/// One generation, as an iterator of its pieces.
struct Generation(*mut kigo::InferenceResult);

impl Generation {
    fn start(model: &Model, prompt: &str) -> Result<Generation, String> {
        let sampling = kigo::WorkerSampling {
            struct_size: size_of::<kigo::WorkerSampling>() as u32,
            flags: kigo::FLAG_CHAT,
            max_tokens: MAX_TOKENS as u32,
            top_k: 0,
            temperature: 0.0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
            stop: std::ptr::null(),
            n_stop: 0,
            reserved: 0,
        };
        let mut err = 0;
        let start = prompt.as_ptr().cast();
        let result = unsafe {
            kigo::worker_inference_start(model.model, start, prompt.len(), &sampling, &mut err)
        };
        check(err, "start")?;
        Ok(Generation(result))
    }

    fn ids(&self) -> Result<Vec<u32>, String> {
        let mut ids = vec![0; MAX_TOKENS];
        let mut count = 0;
        check(
            unsafe { kigo::worker_inference_ids(self.0, ids.as_mut_ptr(), ids.len(), &mut count) },
            "ids",
        )?;
        ids.truncate(count);
        Ok(ids)
    }
}

impl Iterator for &Generation {
    type Item = Result<String, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut piece = [0; 256];
        let mut err = 0;
        let size = piece.len() as c_int;
        let there = unsafe {
            kigo::cuda_inference_next_token(
                self.0,
                piece.as_mut_ptr(),
                size,
                std::ptr::null_mut(),
                &mut err,
            )
        };
        match (there, check(err, "next token")) {
            (true, _) => Some(Ok(text(piece.as_ptr()))),
            (false, Ok(())) => None,
            (false, Err(message)) => Some(Err(message)),
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        unsafe { kigo::cuda_inference_free(self.0) }
    }
}

/// The ids of `kigo generate --json`: the numbers of its "ids".
fn ids_of_the_program(program: &str, model: &str, device: c_int) -> Result<Vec<u32>, String> {
    let max_tokens = MAX_TOKENS.to_string();
    let device = device.to_string();
    let mut arguments = vec![
        "generate",
        "-m",
        model,
        "-t",
        "0",
        "-n",
        &max_tokens,
        "--json",
        "--chat",
        PROMPT,
    ];
    match device.as_str() {
        "-1" => arguments.extend(["--backend", "cpu"]),
        number => arguments.extend(["--backend", "cuda", "--device", number]),
    }
    let output = Command::new(program)
        .args(&arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    let json = String::from_utf8_lossy(&output.stdout);
    let list = json
        .split("\"ids\": [")
        .nth(1)
        .and_then(|rest| rest.split(']').next())
        .ok_or("no ids in its output")?;
    list.split(',')
        .map(|id| id.trim().parse().map_err(|error| format!("{id}: {error}")))
        .collect()
}

fn run() -> Result<bool, String> {
    let arguments: Vec<String> = std::env::args().collect();
    let (Some(path), Some(program)) = (arguments.get(1), arguments.get(2)) else {
        return Err(format!(
            "usage: {} MODEL.gguf KIGO_PROGRAM [DEVICE]",
            arguments[0]
        ));
    };
    let device = arguments.get(3).map_or(Ok(-1), |text| {
        text.parse().map_err(|error| format!("{text}: {error}"))
    })?;
    let version = unsafe { kigo::worker_abi_version() };
    if version >> 16 != kigo::ABI_VERSION >> 16 || version < kigo::ABI_VERSION {
        return Err(format!(
            "libkigo has ABI {version:#x}, this program {:#x}",
            kigo::ABI_VERSION
        ));
    }
    let model = Model::load(device, path)?;
    let generation = Generation::start(&model, PROMPT)?;
    drop(model); // the generation keeps it
    for piece in &generation {
        print!("{}", piece?);
        std::io::stdout()
            .flush()
            .map_err(|error| error.to_string())?;
    }
    println!();
    let found = generation.ids()?;
    let expected = ids_of_the_program(program, path, device)?;
    let same = !found.is_empty() && found == expected;
    let verdict = if same { "equal" } else { "DIFFERENT" };
    println!(
        "{verdict}: {} ids of the library, {} of kigo generate",
        found.len(),
        expected.len()
    );
    Ok(same)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
