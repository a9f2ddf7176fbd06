#include "kernels/runtime/transfer.h"

#include <memory>
#include <vector>

#include "kernels/repack.h"
#include "kernels/runtime/copy.h"
#include "kernels/runtime/owned_stream.h"
#include "kernels/unpack.h"

namespace kigo::kernels {

Result<Transfer> cuda_transfer(Stream stream, int marks) {
  const auto events = std::make_shared<std::vector<Event>>();  // shared: function objects are copied
  for (int i = 0; i < marks; ++i) {
    KIGO_ASSIGN(Event event, Event::create());
    events->push_back(std::move(event));
  }
  Transfer transfer;
  transfer.upload = [stream](std::byte* device, std::span<const std::byte> host) {
    return upload(device, host, stream);
  };
  transfer.download = [stream](std::span<std::byte> host, const std::byte* device) {
    return download(host, device, stream);
  };
  transfer.clear = [stream](std::byte* device, int64_t bytes) {
    return fill(device, bytes, std::byte{0}, stream);
  };
  transfer.repack = [stream](const ops::Repack<Space::Device>& op) { return repack(op, stream); };
  transfer.unpack = [stream](const ops::Unpack<Space::Device>& op) { return unpack(op, stream); };
  transfer.mark = [stream, events](int mark) { return events->at(static_cast<size_t>(mark)).record(stream); };
  transfer.wait = [events](int mark) { return events->at(static_cast<size_t>(mark)).wait(); };
  transfer.finish = [stream] { return synchronize(stream); };
  return transfer;
}

}  // namespace kigo::kernels
