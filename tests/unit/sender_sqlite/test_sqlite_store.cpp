#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>

#include "contract/store_contract.hpp"
#include "support/catch.hpp"
#include "unit/sender_sqlite/store_files.hpp"

namespace fw = fpt_webhooks;

TEST_CASE("sqlite store: keeps the contract of stores") {
    const TemporaryFolder folder;
    int files = 0;
    check_store_contract({.open = [&](fw::StoreLimits limits) {
        return open_store(folder.file(std::to_string(++files)), limits).value();
    }});
}
