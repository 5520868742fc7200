// Names the texts of the page whose contrast is below AA (WCAG 2.2, 1.4.3), as
// the browser draws them, and says so if the page is not drawn as dark as asked.
(dark) => {
  const problems = [];
  const black = [0, 0, 0, 0];

  const colour = (text) => {
    const [, list] = /^rgba?\((.*)\)$/.exec(text) ?? [];
    if (!list) return problems.push(`cannot read the colour ${text}`), black;
    const [r, g, b, a = 1] = list.split(/[\s,/]+/).map(Number);
    return [r, g, b, a];
  };
  const over = (front, back) => {
    const [a, b] = [front[3], back[3] * (1 - front[3])];
    return a + b === 0 ? black : [...[0, 1, 2].map((i) => (front[i] * a + back[i] * b) / (a + b)), a + b];
  };
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, two) => {
    const [low, high] = [luminance(one), luminance(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  // What lies behind an element's text, down to an opaque ground.
  const ground = (element) => {
    let all = black;
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.backgroundImage !== "none") problems.push(`cannot tell the ground of ${e.tagName} with a picture`);
      all = over(all, colour(style.backgroundColor));
    }
    return over(all, dark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  };
  const judge = (element, style, text) => {
    const back = ground(element);
    let front = colour(style.color);
    for (let e = element; e; e = e.parentElement) front = [...front.slice(0, 3), front[3] * Number(getComputedStyle(e).opacity)];
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = ratio(over(front, back), back);
    if (found < (large ? 3 : 4.5)) problems.push(`${text.slice(0, 40)} (${element.tagName}.${element.className}): ${found.toFixed(2)}`);
  };

  const top = document.querySelector("dialog:modal") ?? document.body;
  const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  let judged = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    const box = element.getBoundingClientRect();
    if (!text || box.width <= 1 || !element.checkVisibility({ visibilityProperty: true }) || element.closest(":disabled")) continue;
    judge(element, getComputedStyle(element), text);
    judged++;
  }
  for (const input of top.querySelectorAll("input[placeholder]")) judge(input, getComputedStyle(input, "::placeholder"), input.placeholder);

  if (judged === 0) problems.push("there is no text to judge");
  if (luminance(ground(document.body)) > 0.5 === dark) problems.push(`the page is not ${dark ? "dark" : "light"}`);
  return [...new Set(problems)];
}
