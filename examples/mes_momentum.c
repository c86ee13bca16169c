/*
 * mes_momentum.c - the strategy of mes_momentum.py in C, as a plugin of `mbar run`.
 *
 *     cc -O2 -shared -fPIC -o mes_momentum.so mes_momentum.c $(pkg-config --cflags millibar)
 *     mbar run ./mes_momentum.so --data MES=MES.parquet \
 *         --asset MES:future:margin=1300,multiplier=1,tick=0.25 --fee 0.5
 *
 * It buys a bracket when the price stands above its nine-bar average and leaves when it no
 * longer does; contracts are sized so that one average true range costs one percent of the
 * account. Its numbers are the Python strategy's to the bit, so its trades are too: the average
 * sums as numpy does, the true range is averaged as pandas does over the same 200 rows, and only
 * where an order depends on it.
 *
 * pandas' running sums leave other last bits in another window, so each window starts its own.
 * Not so for prices that are whole 1024ths, as ticks of a quarter are: all their sums are exact,
 * and the average of the whole series, which the engine works out once, is that of any window.
 *
 * Nothing is linked: the command that loads the plugin provides the library.
 */
#include <millibar/sim.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct momentum {
    /* Parameters, by name below. */
    double bars, sma, atr, risk, point_value, most;
    char symbol[32];
    /* What initialize finds. */
    int32_t asset;
    const double *high, *low, *close;
    int32_t whole_range;   /* the engine's average true range; -1: each window has its own */
    mbar_indicator *range; /* that of one window */
    double *ranges;        /* its values, `bars` of them */
} momentum;

/* ---- numpy's and Python's arithmetic -------------------------------------- */

/* numpy.sum of at most 128 values: eight running sums, then the rest. */
static double sum_as_numpy(const double *values, int64_t n)
{
    double total = 0;
    int64_t i = 0;
    if (n >= 8) {
        double r[8];
        memcpy(r, values, sizeof r);
        for (i = 8; i + 8 <= n; i += 8) {
            for (int k = 0; k < 8; k++) {
                r[k] += values[i + k];
            }
        }
        total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for (; i < n; i++) {
        total += values[i];
    }
    return total;
}

/* a // b of two positive floats. */
static double floor_division(double a, double b)
{
    double quotient = (a - fmod(a, b)) / b;
    double whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1 : whole;
}

/* ---- The strategy --------------------------------------------------------- */

static mbar_status price_column(const mbar_series *series, const char *name, const double **out,
                                mbar_error *error)
{
    int32_t index = mbar_series_find(series, name);
    const mbar_column *column =
        index >= 0 ? mbar_table_column(mbar_series_table(series), index) : NULL;
    if (column == NULL || mbar_column_field(column)->type != MBAR_TYPE_FLOAT64 ||
        mbar_column_nulls(column) > 0) {
        return mbar_error_set(error, MBAR_INVALID,
                              "mes_momentum reads column %s as float64 without nulls", name);
    }
    *out = mbar_column_values(column);
    return MBAR_OK;
}

/* Whether sums of differences of these prices are exact in any order. */
static bool are_coarse(const double *prices, int64_t n)
{
    bool coarse = true;
    for (int64_t i = 0; i < n; i++) {
        double scaled = prices[i] * 1024;
        coarse = coarse && fabs(scaled) < 1e12 && scaled == (double)(int64_t)scaled;
    }
    return coarse;
}

static mbar_status initialize(mbar_engine *engine, void *state, mbar_error *error)
{
    momentum *self = state;
    const mbar_indicator_spec *spec;
    self->asset = self->symbol[0] != '\0' ? mbar_engine_find(engine, self->symbol) : 0;
    if (self->asset < 0) {
        return mbar_error_set(error, MBAR_NOTFOUND, "no bars for %s: give --data %s=FILE",
                              self->symbol, self->symbol);
    }
    const mbar_series *series = mbar_engine_series(engine, self->asset);
    mbar_status status;
    if ((status = price_column(series, "high", &self->high, error)) != MBAR_OK ||
        (status = price_column(series, "low", &self->low, error)) != MBAR_OK ||
        (status = price_column(series, "close", &self->close, error)) != MBAR_OK ||
        (status = mbar_indicator_find("atr", &spec, error)) != MBAR_OK) {
        return status;
    }
    int64_t n = mbar_series_rows(series);
    self->whole_range = -1;
    if (are_coarse(self->high, n) && are_coarse(self->low, n) && are_coarse(self->close, n)) {
        return mbar_engine_indicator(engine, self->asset, "atr", &self->atr, 1, &self->whole_range,
                                     error);
    }
    self->ranges = malloc((size_t)self->bars * sizeof *self->ranges);
    if (self->ranges == NULL) {
        return mbar_error_set(error, MBAR_NOMEM, "no memory for %g rows", self->bars);
    }
    return mbar_indicator_new(spec, &self->atr, 1, &self->range, error);
}

/* Mean of the latest closes with the live price as its newest member. */
static double moving_average(const momentum *self, mbar_window window, double price)
{
    int64_t n = (int64_t)self->sma - 1;
    n = n < window.n_rows ? n : window.n_rows;
    const double *last = self->close + window.first + window.n_rows - n;
    return (sum_as_numpy(last, n) + price) / self->sma;
}

/* Rolling mean of the true range over the window, at its last bar. */
static double average_true_range(mbar_engine *engine, momentum *self, mbar_window window)
{
    if (self->whole_range >= 0) {
        return mbar_engine_indicator_value(engine, self->whole_range, 0, 0);
    }
    const double *inputs[] = {self->high + window.first, self->low + window.first,
                              self->close + window.first};
    mbar_indicator_reset(self->range);
    mbar_indicator_run(self->range, inputs, window.n_rows, &self->ranges);
    return self->ranges[window.n_rows - 1];
}

static mbar_status enter(mbar_engine *engine, const momentum *self, double price, double atr,
                         mbar_error *error)
{
    mbar_order_id id;
    mbar_order_request order;
    double risk = mbar_engine_value(engine) * self->risk;
    double unit = atr * self->point_value;
    /* Far above the most, the exact quotient does not matter. */
    double wanted = risk < 2 * self->most * unit ? floor_division(risk, unit) : self->most;
    mbar_order_request_init(&order);
    order.asset = self->asset;
    order.side = MBAR_SIDE_BUY;
    order.order_class = MBAR_CLASS_BRACKET;
    order.quantity = fmax(1, fmin(wanted, self->most));
    order.child_stop_price = price - atr;
    order.child_limit_price = price + 3 * atr;
    return mbar_engine_submit(engine, &order, &id, error);
}

static mbar_status leave(mbar_engine *engine, const momentum *self, double quantity,
                         mbar_error *error)
{
    mbar_order_id id;
    mbar_order_request order;
    mbar_status status = mbar_engine_cancel_all(engine, error);
    if (status != MBAR_OK) {
        return status;
    }
    mbar_order_request_init(&order);
    order.asset = self->asset;
    order.side = MBAR_SIDE_SELL;
    order.quantity = quantity;
    return mbar_engine_submit(engine, &order, &id, error);
}

static mbar_status on_trading_iteration(mbar_engine *engine, void *state, mbar_error *error)
{
    momentum *self = state;
    mbar_window window;
    mbar_status status =
        mbar_engine_window(engine, self->asset, (int64_t)self->bars, 0, &window, error);
    double price = mbar_engine_last_price(engine, self->asset);
    if (status != MBAR_OK || isnan(price) || (double)window.n_rows <= self->atr) {
        return status;
    }
    double average = moving_average(self, window, price);
    double quantity = mbar_engine_position(engine, self->asset)->quantity;
    if (quantity > 0) {
        return price <= average ? leave(engine, self, quantity, error) : MBAR_OK;
    }
    if (!(price > average) || mbar_engine_next_active(engine, 0) != 0) {
        return MBAR_OK;
    }
    double atr = average_true_range(engine, self, window);
    return atr > 0 ? enter(engine, self, price, atr, error) : MBAR_OK;
}

/* ---- The plugin ----------------------------------------------------------- */

static mbar_status set_parameter(momentum *self, const char *text, mbar_error *error)
{
    const struct {
        const char *name;
        double *value, least, most;
    } known[] = {
        {"bars", &self->bars, 1, 1e6}, {"sma", &self->sma, 1, 129},
        {"atr", &self->atr, 1, 1e6},   {"risk", &self->risk, 0, 1e6},
        {"most", &self->most, 1, 1e9}, {"point_value", &self->point_value, 1e-9, 1e9},
    };
    const char *value = strchr(text, '=');
    size_t length = value != NULL ? (size_t)(value - text) : strlen(text);
    if (value != NULL && length == 6 && strncmp(text, "symbol", 6) == 0 &&
        strlen(value + 1) < sizeof self->symbol) {
        strcpy(self->symbol, value + 1);
        return MBAR_OK;
    }
    for (size_t i = 0; value != NULL && i < sizeof known / sizeof known[0]; i++) {
        char *end;
        if (strlen(known[i].name) != length || strncmp(text, known[i].name, length) != 0) {
            continue;
        }
        double number = strtod(value + 1, &end);
        if (end == value + 1 || *end != '\0' ||
            !(number >= known[i].least && number <= known[i].most)) {
            return mbar_error_set(error, MBAR_INVALID, "%s: a number from %g to %g is wanted", text,
                                  known[i].least, known[i].most);
        }
        *known[i].value = number;
        return MBAR_OK;
    }
    return mbar_error_set(error, MBAR_INVALID,
                          "'%s' is none of mes_momentum's parameters: symbol=TEXT, bars=N, sma=N, "
                          "atr=N, risk=X, most=N, point_value=X",
                          text);
}

static void close_momentum(void *state)
{
    momentum *self = state;
    mbar_indicator_free(self->range);
    free(self->ranges);
    free(self);
}

MBAR_API mbar_status mbar_strategy_open(const char *const *parameters, mbar_strategy_plugin *out,
                                        mbar_error *error)
{
    momentum *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return mbar_error_set(error, MBAR_NOMEM, "no memory for the strategy");
    }
    *self = (momentum){.bars = 200, .sma = 9, .atr = 14, .risk = 0.01, .point_value = 5, .most = 5};
    for (; *parameters != NULL; parameters++) {
        mbar_status status = set_parameter(self, *parameters, error);
        if (status != MBAR_OK) {
            close_momentum(self);
            return status;
        }
    }
    self->bars = floor(self->bars);
    self->sma = floor(self->sma);
    self->atr = floor(self->atr);
    *out = (mbar_strategy_plugin){
        .strategy =
            {
                .struct_bytes = sizeof(mbar_strategy),
                .name = "mes_momentum",
                .initialize = initialize,
                .on_trading_iteration = on_trading_iteration,
            },
        .state = self,
        .close = close_momentum,
    };
    return MBAR_OK;
}
