"use strict";
(() => {
  const bar = document.getElementById("filter");
  const input = bar.querySelector("input");
  const count = bar.querySelector("output");
  const nothing = document.getElementById("nothing");
  const buttons = [...bar.querySelectorAll("button")];
  const list = document.querySelector(".codes");
  const codes = [...list.children].map((element) => ({
    element,
    title: textOf(element.querySelector(".title")),
    text: textOf(element),
  }));

  // fold makes texts equal that differ only in case or in the width of their characters.
  function fold(text) {
    return text.normalize("NFKC").toLowerCase();
  }

  // textOf returns the text of a code without the labels, which all codes have.
  function textOf(element) {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("dt, h3, .label").forEach((label) => label.remove());
    return fold(copy.textContent.replace(/\s+/g, " "));
  }

  // wordsOf returns the words of a query. Code(1004) is 1004, and the domain before a reason
  // is left out.
  function wordsOf(query) {
    return fold(query)
      .replace(/\bcode\((-?\d+)\)/g, "$1")
      .replaceAll(fold(bar.dataset.domain) + "/", "")
      .split(/\s+/)
      .filter((word) => word !== "");
  }

  // matches reports whether a code has a word: in a column, such as fault:server, or in its
  // text.
  function matches(code, word) {
    const column = /^(fault|grpc|http|retry):(.*)$/.exec(word);
    return column ? fold(code.element.dataset[column[1]]).startsWith(column[2]) : code.text.includes(word);
  }

  // show shows the codes that have all words of the query, and the one that the address names.
  // Those that have a word in their title come first.
  function show() {
    const words = wordsOf(input.value);
    const target = targetOf(location.hash);
    const first = [];
    const others = [];
    let shown = 0;
    for (const code of codes) {
      const isShown = words.every((word) => matches(code, word));
      code.element.hidden = !isShown && code.element !== target;
      shown += isShown;
      (words.some((word) => code.title.includes(word)) ? first : others).push(code.element);
    }
    list.replaceChildren(...first, ...others);
    count.value = words.length === 0 ? codes.length + " codes" : shown + " of " + codes.length;
    nothing.hidden = codes.some((code) => !code.element.hidden);
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(words.includes(button.value)));
    }
  }

  // targetOf returns the code whose reason or former reason a fragment is, or nothing.
  function targetOf(hash) {
    try {
      return document.getElementById(decodeURIComponent(hash.slice(1)))?.closest(".code");
    } catch {
      return null; // a fragment with a malformed escape names nothing
    }
  }

  // filter shows what the box asks for, and keeps it in the address.
  function filter() {
    const address = new URL(location.href);
    address.hash = "";
    address.search = "";
    if (input.value !== "") {
      address.searchParams.set("q", input.value);
    }
    history.replaceState(null, "", address);
    show();
  }

  // follow shows the code that the address names. By the HTML standard the browser has looked
  // for it before, when it may have been hidden; Chromium alone looks later.
  function follow() {
    show();
    targetOf(location.hash)?.scrollIntoView();
  }

  input.addEventListener("input", filter);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const isOn = button.getAttribute("aria-pressed") === "true";
      const rest = input.value.split(/\s+/).filter((word) => word !== "" && !/^fault:/i.test(word));
      input.value = (isOn ? rest : [...rest, button.value]).join(" ");
      filter();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== input && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
      input.select();
    } else if (event.key === "Escape" && input.value !== "") {
      event.preventDefault();
      input.value = "";
      filter();
    }
  });
  window.addEventListener("hashchange", follow);

  bar.hidden = false;
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  follow();
})();
