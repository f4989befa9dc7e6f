// A stand-in for the widget's javascript: puts the chat into each element that names one in data-chat-url.
"use strict";

(() => {
  function show(place) {
    let address;
    try {
      address = new URL(place.dataset.chatUrl);
    } catch {
      return; // no address, no chat
    }
    if (address.protocol !== "https:" && address.protocol !== "http:") {
      return;
    }
    const frame = document.createElement("iframe");
    frame.title = "Chat";
    frame.referrerPolicy = "no-referrer";
    frame.src = address.href;
    place.replaceChildren(frame);
  }

  function showAll() {
    document.querySelectorAll("[data-chat-url]").forEach(show);
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", showAll);
  } else {
    showAll();
  }
})();
