// The box beside the pointer.
const tip = document.getElementById("tip");

export function show(x, y, ...content) {
  tip.replaceChildren(...content);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = x + 16 + width > innerWidth ? x - 16 - width : x + 16;
  const top = Math.min(y + 12, innerHeight - height - 8);
  tip.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
}

export function hide() {
  tip.hidden = true;
}

addEventListener("scroll", hide, { passive: true });
addEventListener("keydown", (event) => event.key === "Escape" && hide());

/** Shows what `content(params)` says beside the elements of a chart. */
export function follow(drawn, content) {
  drawn.on("mousemove", (params) => {
    const said = content(params);
    if (!said) return hide();
    const { clientX, clientY } = params.event.event;
    show(clientX, clientY, ...said);
  });
  drawn.on("mouseout", hide);
  drawn.on("globalout", hide);
}
