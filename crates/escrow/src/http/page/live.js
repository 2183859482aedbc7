// Shows the page anew every second, in place: what has not changed stays as it is, with what the reader has scrolled to or selected.
'use strict';

const PERIOD = 1000;
const still = matchMedia('(prefers-reduced-motion: reduce)');

// Makes a node what another is. Children with an id are told apart by it, the others by their order.
function update(node, fresh) {
    if (node.isEqualNode(fresh)) return;
    if (node.nodeName !== fresh.nodeName || node.nodeType !== Node.ELEMENT_NODE) {
        node.replaceWith(fresh);
        return;
    }
    for (const { name } of [...node.attributes]) if (!fresh.hasAttribute(name)) node.removeAttribute(name);
    for (const { name, value } of fresh.attributes) node.setAttribute(name, value);
    const named = new Map([...node.children].filter(child => child.id).map(child => [child.id, child]));
    let place = node.firstChild;
    for (const next of [...fresh.childNodes]) {
        const known = next.id ? named.get(next.id) : place && !place.id ? place : undefined;
        if (known === undefined) {
            node.insertBefore(next, place);
            if (next.id && !still.matches) next.animate([{ background: 'color-mix(in srgb, Highlight 40%, transparent)' }, {}], 2000);
            continue;
        }
        if (known === place) place = place.nextSibling;
        else node.insertBefore(known, place);
        update(known, next);
    }
    while (place) {
        const gone = place;
        place = place.nextSibling;
        gone.remove();
    }
}

async function refresh() {
    if (!document.hidden) {
        try {
            const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(10 * PERIOD) });
            if (!answer.ok) throw new Error(answer.statusText);
            const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
            document.title = fresh.title;
            update(document.body, fresh.body);
        } catch {
            document.getElementById('stale').hidden = false;
        }
    }
    setTimeout(refresh, PERIOD);
}

setTimeout(refresh, PERIOD);
