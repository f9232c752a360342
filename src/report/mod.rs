//! Reports: pure renderers from fits and allocations to the bytes of CSV, plots and one HTML page.
