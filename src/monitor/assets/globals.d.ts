import type { Idiomorph as IdiomorphLibrary } from "idiomorph";
import type uPlotLibrary from "uplot";

declare global {
  /** What the libraries' scripts define; they stand before ours in every page. */
  const Idiomorph: typeof IdiomorphLibrary;
  const uPlot: typeof uPlotLibrary;
}
