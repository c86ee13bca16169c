/* millibar/millibar.h - the whole public API, in ladder order. */
#ifndef MILLIBAR_MILLIBAR_H
#define MILLIBAR_MILLIBAR_H

#include <millibar/base.h>
#include <millibar/table.h>
#include <millibar/market.h>
#include <millibar/indicators.h>
#include <millibar/io.h>
#include <millibar/sim.h>

#endif
