"""Names of markets that lumibot's set_market takes."""

from __future__ import annotations

_NAMES = (
    "MarketCalendar ASX BMF CFE NYSE stock NASDAQ BATS CME_Equity CBOT_Equity CME_Agriculture "
    "CBOT_Agriculture COMEX_Agriculture NYMEX_Agriculture CME_Rate CBOT_Rate CME_InterestRate "
    "CBOT_InterestRate CME_Bond CBOT_Bond EUREX HKEX ICE ICEUS NYFE JPX LSE OSE SIX SSE TSX "
    "TSXV BSE TASE TradingCalendar ASEX BVMF CMES IEPA XAMS XASX XBKK XBOG XBOM XBRU XBUD "
    "XBUE XCBF XCSE XDUB XFRA XETR XHEL XHKG XICE XIDX XIST XJSE XKAR XKLS XKRX XLIM XLIS "
    "XLON XMAD XMEX XMIL XMOS XNYS XNZE XOSL XPAR XPHS XPRA XSES XSGO XSHG XSTO XSWX XTAE "
    "XTAI XTKS XTSE XWAR XWBO us_futures 24/7 24/5"
)
MARKETS: tuple[str, ...] = tuple(_NAMES.split())
