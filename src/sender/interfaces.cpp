// Destructors of the interfaces: one home for each vtable.
#include <fpt_webhooks/sender/resolver.hpp>
#include <fpt_webhooks/sender/store.hpp>
#include <fpt_webhooks/sender/transport.hpp>

namespace fpt_webhooks::inline v0_1 {

Resolver::~Resolver() = default;
Store::~Store() = default;
Transport::~Transport() = default;

}  // namespace fpt_webhooks::inline v0_1
