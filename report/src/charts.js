// The parts of ECharts that the page draws with, and charts that follow theme and size.
import { BarChart, SankeyChart, ScatterChart } from "echarts/charts";
import { DataZoomInsideComponent, GridComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { onChange } from "./theme.js";

use([BarChart, SankeyChart, ScatterChart, DataZoomInsideComponent, GridComponent, CanvasRenderer]);

/** A chart in `element` that is `options()` at any time, drawn when it comes near the screen. */
export function chart(element, options, { eager = false, ready } = {}) {
  let drawn = null;
  const draw = () => {
    if (drawn) return;
    drawn = init(element, null, { renderer: "canvas" });
    drawn.setOption(options(drawn));
    ready?.(drawn);
    new ResizeObserver(() => {
      if (element.clientWidth === 0 || element.clientHeight === 0) return; // not on any screen
      drawn.resize();
      drawn.setOption(options(drawn));
    }).observe(element);
  };
  const redraw = () => drawn?.setOption(options(drawn));
  onChange(redraw);
  if (eager) {
    draw();
  } else {
    const near = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        near.disconnect();
        draw();
      },
      { rootMargin: "600px" },
    );
    near.observe(element);
    addEventListener("beforeprint", draw);
  }
  return { redraw };
}
