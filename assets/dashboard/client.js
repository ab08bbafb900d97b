/**
 * The one client module. Everything works without it; with it, what moves moves, times are in the reader's zone, and a page that comes back
 * from the browser's memory is asked for anew. It makes no markup out of text: pages are fetched as documents, in which nothing runs, and
 * their parts are put in place (Trusted Types need no policy for that).
 */
const zone = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

function localTimes(root) {
  for (const one of root.querySelectorAll('time[datetime]:not([data-local])')) {
    const at = new Date(one.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    one.dataset.local = '';
    one.title = one.dateTime;
    const form = one.dataset.form === 'clock' ? clock : one.dataset.form === 'day' ? day : zone;
    one.textContent = form.format(at);
  }
  for (const one of root.querySelectorAll('input[data-utc-hint]')) {
    one.title = 'UTC; your zone is ' + Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
}

/** The page as it is now; undefined where it is another one by now, or nobody answers. */
function fetchPage() {
  return new Promise((resolve) => {
    const ask = new XMLHttpRequest();
    ask.open('GET', location.href);
    ask.setRequestHeader('X-Live', '1');
    ask.responseType = 'document';
    ask.timeout = 15000;
    ask.addEventListener('load', () => resolve({ status: ask.status, page: ask.responseXML }));
    for (const end of ['error', 'timeout']) ask.addEventListener(end, () => resolve({ status: 0, page: null }));
    ask.send();
  });
}

const seconds = Number(document.body.dataset.refresh ?? 0);
const said = document.getElementById('live-state');
let isPaused = false;

async function refresh() {
  if (document.hidden || isPaused) return;
  const { status, page } = await fetchPage();
  if (status === 401 || status === 403) return location.reload();
  if (status !== 200 || page === null) {
    if (said !== null) said.textContent = 'No answer; trying again';
    return;
  }
  if (isPaused) return;
  for (const old of document.querySelectorAll('[data-live]')) {
    const fresh = page.getElementById(old.id);
    // What somebody is in the middle of reading by keyboard, or has unfolded, stays as it is.
    if (fresh === null || old.contains(document.activeElement) || old.querySelector('details[open]') !== null) continue;
    const now = document.importNode(fresh, true);
    localTimes(now);
    old.replaceWith(now);
  }
  // Said once: a screen reader hears every change of it.
  if (said !== null && said.textContent !== 'Live') said.textContent = 'Live';
}

if (seconds > 0) {
  setInterval(() => void refresh(), seconds * 1000);
  const pause = document.getElementById('live-pause');
  if (pause !== null) {
    pause.hidden = false;
    pause.addEventListener('click', () => {
      isPaused = !isPaused;
      pause.textContent = isPaused ? 'Resume' : 'Pause';
      pause.setAttribute('aria-pressed', String(isPaused));
      if (said !== null) said.textContent = isPaused ? 'Paused' : 'Live';
      if (!isPaused) void refresh();
    });
  }
  if (said !== null) said.textContent = 'Live';
}

for (const form of document.querySelectorAll('form[data-once]')) {
  form.addEventListener('submit', () => {
    // After the form is made, or the button's own name would be missing from it.
    setTimeout(() => {
      for (const button of form.querySelectorAll('button')) button.disabled = true;
    });
  });
}

addEventListener('pageshow', (event) => {
  // Signed out meanwhile, perhaps: what the browser kept is not shown.
  if (event.persisted) location.reload();
});

localTimes(document);
