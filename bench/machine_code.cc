#include "bench/machine_code.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "core/base/cat.h"
#include "core/base/sha256.h"

namespace kigo::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigits = 16;  // of a hash: 64 bits are enough to tell kernels apart
constexpr const char* kTimeLimitS = "30";

// Source: System V ABI, chapter 4: the 64-bit ELF header and section header.
constexpr size_t kHeaderBytes = 64, kSectionBytes = 64;
constexpr size_t kSectionsAt = 0x28, kSectionSizeAt = 0x3A, kSectionCountAt = 0x3C, kNamesIndexAt = 0x3E;
constexpr size_t kNameAt = 0x00, kOffsetAt = 0x18, kSizeAt = 0x20;

template <class T>
T read(std::span<const std::byte> bytes, size_t at) {
  T value{};
  std::memcpy(&value, &bytes[at], sizeof value);
  return value;
}

struct Section {
  uint32_t name = 0;
  std::span<const std::byte> bytes;
};

/// The section of that number; its bytes are empty when they lie outside (those of .bss are nowhere).
Result<Section> section_of(std::span<const std::byte> elf, uint64_t table, size_t index) {
  const uint64_t at = table + index * kSectionBytes;
  if (table > elf.size() || at + kSectionBytes > elf.size())
    return fail(Code::bad_data, "machine code", cat("section ", index, " outside the file"), "an ELF file");
  Section section{read<uint32_t>(elf, at + kNameAt), {}};
  const auto offset = read<uint64_t>(elf, at + kOffsetAt), size = read<uint64_t>(elf, at + kSizeAt);
  if (offset <= elf.size() && size <= elf.size() - offset) section.bytes = elf.subspan(offset, size);
  return section;
}

std::string text_at(std::span<const std::byte> bytes, size_t at) {
  std::string text;
  while (at < bytes.size() && bytes[at] != std::byte{0}) text += static_cast<char>(bytes[at++]);
  return text;
}

std::vector<std::byte> bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

/// cuobjdump on the PATH or where the toolkit lies; empty when it is nowhere.
std::string find_cuobjdump() {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(cat(path == nullptr ? "" : path, ":/usr/local/cuda/bin"));
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string program = folder + "/cuobjdump";
    if (!folder.empty() && ::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

/// Runs `cuobjdump --extract-elf all PROGRAM` in the folder. Errors: io.
Status extract(const std::string& cuobjdump, const std::string& program, const std::string& folder) {
  std::array<const char*, 7> arguments{
      "timeout", kTimeLimitS, cuobjdump.c_str(), "--extract-elf", "all", program.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  // Standard input is for requests, standard output for records.
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
  pid_t child = 0;
  const int error = posix_spawnp(&child, arguments[0], &actions, nullptr,
                                 const_cast<char* const*>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(Code::io, cuobjdump, std::strerror(error), "a program that starts");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(Code::io, cuobjdump, cat("status ", WEXITSTATUS(status), " (124: took too long)"), "0");
  return {};
}

/// A folder for temporary files that is removed at the end.
class Scratch {
 public:
  static Result<Scratch> make() {
    std::string name = (fs::temp_directory_path() / "kigo-code-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return fail(Code::io, name, std::strerror(errno), "a folder");
    return Scratch(name);
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Of all cubins in the folder. A function that several of them have gets the hash of its codes together.
Result<std::map<std::string, std::string>> hashes_in(const std::string& folder) {
  std::map<std::string, std::set<std::string>> all;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".cubin") continue;
    KIGO_ASSIGN(const auto hashes, hashes_of_functions(bytes_of(entry.path())));
    for (const auto& [function, hash] : hashes) all[function].insert(hash);
  }
  std::map<std::string, std::string> merged;
  for (const auto& [function, hashes] : all) {
    std::string text;
    for (const std::string& hash : hashes) text += hash;
    merged[function] = hashes.size() == 1 ? text : sha256(std::as_bytes(std::span(text))).substr(0, kDigits);
  }
  return merged;
}

/// "HASH FUNCTION" a line.
std::map<std::string, std::string> remembered(const fs::path& path) {
  std::map<std::string, std::string> hashes;
  std::ifstream file(path);
  std::string hash, function;
  while (file >> hash >> function) hashes[function] = hash;
  return hashes;
}

void remember(const fs::path& path, const std::map<std::string, std::string>& hashes) {
  const fs::path unfinished = cat(path.string(), ".", ::getpid());
  std::ofstream file(unfinished);
  for (const auto& [function, hash] : hashes) file << hash << ' ' << function << '\n';
  file.close();
  std::error_code ignored;  // the next run will take a few seconds again
  if (file) fs::rename(unfinished, path, ignored);
}

}  // namespace

Result<std::map<std::string, std::string>> hashes_of_functions(std::span<const std::byte> elf) {
  constexpr std::string_view kMagic =
      "\x7F"
      "ELF\x02\x01";  // 64 bits, little endian
  if (elf.size() < kHeaderBytes || std::memcmp(elf.data(), kMagic.data(), kMagic.size()) != 0)
    return fail(Code::bad_data, "machine code", cat(elf.size(), " bytes of something else"), "an ELF file");
  const auto table = read<uint64_t>(elf, kSectionsAt);
  const size_t count = read<uint16_t>(elf, kSectionCountAt);
  if (read<uint16_t>(elf, kSectionSizeAt) != kSectionBytes)
    return fail(Code::bad_data, "machine code", "section headers of another size",
                cat(kSectionBytes, " bytes"));
  KIGO_ASSIGN(const Section names, section_of(elf, table, read<uint16_t>(elf, kNamesIndexAt)));
  std::map<std::string, std::string> hashes;
  constexpr std::string_view kText = ".text.";
  for (size_t i = 0; i < count; ++i) {
    KIGO_ASSIGN(const Section section, section_of(elf, table, i));
    const std::string name = text_at(names.bytes, section.name);
    if (name.starts_with(kText)) hashes[name.substr(kText.size())] = sha256(section.bytes).substr(0, kDigits);
  }
  return hashes;
}

Result<MachineCode> MachineCode::of_this_program() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return fail(Code::io, "/proc/self/exe", error.message(), "the program's file");
  const fs::path memory =
      fs::temp_directory_path() / cat("kigo-code-", sha256(bytes_of(program)).substr(0, 32));
  if (auto hashes = remembered(memory); !hashes.empty()) return MachineCode(std::move(hashes));
  const std::string cuobjdump = find_cuobjdump();
  if (cuobjdump.empty())
    return fail(Code::unsupported, "hashes of machine code",
                "no cuobjdump on the PATH or in /usr/local/cuda/bin", "the CUDA toolkit's");
  KIGO_ASSIGN(const Scratch scratch, Scratch::make());
  KIGO_TRY(extract(cuobjdump, program.string(), scratch.path()));
  KIGO_ASSIGN(auto hashes, hashes_in(scratch.path()));
  remember(memory, hashes);
  return MachineCode(std::move(hashes));
}

std::string MachineCode::hash_of(std::span<const std::string> functions) const {
  std::set<std::string> known;
  for (const std::string& function : functions)
    if (const auto found = hashes_.find(function); found != hashes_.end()) known.insert(found->second);
  std::string text;
  for (const std::string& hash : known) text += hash;
  return text.empty() ? "" : sha256(std::as_bytes(std::span(text))).substr(0, kDigits);
}

}  // namespace kigo::bench
