/*
 * calls_plugin.c - does nothing at every bar, or sends one market order: what an iteration and an
 * order cost where neither is Python. A plugin of `mbar run`; calls.py compiles it.
 *
 *     mbar run ./calls_plugin.so --data MES=MES.parquet --param orders=1
 */
#include <millibar/sim.h>

#include <stdlib.h>
#include <string.h>

typedef struct calls {
    bool sends, holds;
} calls;

static mbar_status on_trading_iteration(mbar_engine *engine, void *state, mbar_error *error)
{
    calls *self = state;
    if (!self->sends) {
        return MBAR_OK;
    }
    mbar_order_id id;
    mbar_order_request request;
    mbar_order_request_init(&request);
    request.side = self->holds ? MBAR_SIDE_SELL : MBAR_SIDE_BUY;
    request.quantity = 1;
    self->holds = !self->holds;
    return mbar_engine_submit(engine, &request, &id, error);
}

MBAR_API mbar_status mbar_strategy_open(const char *const *parameters, mbar_strategy_plugin *out,
                                        mbar_error *error)
{
    calls *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return mbar_error_set(error, MBAR_NOMEM, "no memory for the strategy");
    }
    for (; *parameters != NULL; parameters++) {
        self->sends = self->sends || strcmp(*parameters, "orders=1") == 0;
    }
    *out = (mbar_strategy_plugin){
        .strategy =
            {
                .struct_bytes = sizeof(mbar_strategy),
                .name = "calls",
                .on_trading_iteration = on_trading_iteration,
            },
        .state = self,
        .close = free,
    };
    return MBAR_OK;
}
