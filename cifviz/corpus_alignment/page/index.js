'use strict';
// The utterances of an aligned corpus: filtered, sorted, a page at a time; a click plays a word.

const ON_A_PAGE = 50;
const LOW = 0.5;
const STATUSES = ['failed', 'empty', 'aligned', 'transcribed'];

const { fields, rows: given } = JSON.parse(document.getElementById('corpus-rows').textContent);
const rows = given.map((values) => Object.fromEntries(fields.map((name, i) => [name, values[i]])));
for (const row of rows) {
    const hypothesis = row.tokens.map((token) => token[0]).join(' ');
    row.found = `${row.id}\n${row.text ?? ''}\n${hypothesis}\n${row.reason}`.toLowerCase();
}

const get = (id) => document.getElementById(id);
const state = { page: 0, shown: rows };

/** An element with a class and a text. */
function element(name, kind, text) {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    return made;
}

const number = (value, digits) => (value === null ? '–' : value.toFixed(digits));
const rank = (row) => Math.min(STATUSES.indexOf(row.status), 2);
const ORDERS = {
    worst: (a, b) => rank(a) - rank(b) || (a.lowest ?? 2) - (b.lowest ?? 2) || a.row - b.row,
    errors: (a, b) => (b.errors ?? -1) - (a.errors ?? -1) || ORDERS.worst(a, b),
    duration: (a, b) => b.duration - a.duration || a.row - b.row,
    row: (a, b) => a.row - b.row,
};

// --- Playing -------------------------------------------------------------------------------------

const sound = new Audio();
let playing = null;

function stop() {
    sound.pause();
    playing?.button.classList.remove('playing');
    playing = null;
}

/** Play a row from one time to another, in seconds of its file. */
function play(row, start, end, button) {
    const again = playing?.button === button;
    stop();
    if (again) return;
    get('message').textContent = '';
    playing = { button, end, row };
    button.classList.add('playing');
    if (sound.dataset.source !== row.sound) {
        sound.dataset.source = row.sound;
        sound.src = row.sound;
    }
    sound.currentTime = start;
    sound.play().catch((error) => {
        if (error.name === 'AbortError') return;
        get('message').textContent = `The browser cannot play the sound of ${row.id}.`;
        stop();
    });
    requestAnimationFrame(watch);
}

function watch() {
    if (!playing) return;
    if (sound.currentTime >= playing.end || sound.ended) stop();
    else requestAnimationFrame(watch);
}

// --- Rows ----------------------------------------------------------------------------------------

function tokenButton(row, [text, start, end, score]) {
    const button = element('button', score !== null && score < LOW ? 'low' : '', text || '∅');
    button.type = 'button';
    button.dir = 'auto';
    if (start === null || !row.sound) {
        button.classList.toggle('untimed', start === null);
        button.disabled = true;
        button.title = start === null ? 'has no place in the sound' : '';
        return button;
    }
    const known = score === null ? '' : `, score ${score.toFixed(2)}`;
    button.title = `${start.toFixed(2)} to ${end.toFixed(2)} s${known}`;
    button.addEventListener('click', () => play(row, row.begin + start, row.begin + end, button));
    return button;
}

function rowElement(row) {
    const card = element('article', row.status);
    const heading = element('h2', '', row.id);
    heading.dir = 'auto';
    const facts = element('div', 'facts');
    facts.append(element('span', 'status', row.status));
    if (row.status !== 'failed') facts.append(element('span', '', `${row.duration.toFixed(2)} s`));
    if (row.lowest !== null) {
        const scores = `lowest score ${number(row.lowest, 2)}, mean ${number(row.score, 2)}`;
        facts.append(element('span', '', scores));
    }
    if (row.errors !== null) {
        const many = `${row.errors} ${row.errors === 1 ? 'error' : 'errors'}`;
        facts.append(element('span', '', `${many} in ${row.reference_tokens} tokens`));
    }
    if (row.same_id > 1) facts.append(element('span', '', `one of ${row.same_id} of this name`));
    const file = element('a', '', 'file');
    file.href = row.file;
    facts.append(file);
    card.append(heading, facts);
    if (row.reason) card.append(element('p', 'reason', row.reason));
    if (row.text !== null) {
        const text = element('p', 'text');
        text.dir = 'auto';
        text.append(element('span', '', 'transcript: '), row.text || '(empty)');
        card.append(text);
    }
    if (row.tokens.length) {
        const tokens = element('div', 'tokens');
        const end = Math.max(...row.tokens.map((token) => token[2] ?? 0));
        const all = element('button', '', '▶');
        all.type = 'button';
        all.setAttribute('aria-label', `play ${row.id}`);
        all.disabled = !row.sound;
        const until = row.more ? end : row.duration;
        all.addEventListener('click', () => play(row, row.begin, row.begin + until, all));
        tokens.append(all, ...row.tokens.map((token) => tokenButton(row, token)));
        if (row.more) tokens.append(element('span', '', `and ${row.more} more in the file`));
        card.append(tokens);
    }
    return card;
}

// --- Filters and pages ---------------------------------------------------------------------------

function draw() {
    stop();
    const pages = Math.max(1, Math.ceil(state.shown.length / ON_A_PAGE));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const first = state.page * ON_A_PAGE;
    const visible = state.shown.slice(first, first + ON_A_PAGE);
    get('rows').replaceChildren(...visible.map(rowElement));
    const range = visible.length ? `${first + 1}–${first + visible.length} of ` : '';
    get('shown').textContent = `${range}${state.shown.length} utterances`;
    get('previous').disabled = state.page === 0;
    get('next').disabled = state.page === pages - 1;
}

function filter() {
    const checked = [...get('statuses').querySelectorAll('input:checked')];
    const wanted = new Set(checked.map((input) => input.value));
    const bound = Number(get('bound').value);
    const query = get('query').value.trim().toLowerCase();
    get('bound-shown').textContent = bound.toFixed(2);
    state.shown = rows.filter(
        (row) =>
            wanted.has(row.status) &&
            (bound >= 1 || (row.lowest !== null && row.lowest <= bound)) &&
            (!query || row.found.includes(query)),
    );
    state.shown.sort(ORDERS[get('order').value]);
    state.page = 0;
    draw();
}

for (const status of STATUSES) {
    const count = rows.filter((row) => row.status === status).length;
    if (count) {
        const label = element('label');
        const box = element('input');
        box.type = 'checkbox';
        box.value = status;
        box.checked = true;
        label.append(box, ` ${status} (${count})`);
        get('statuses').append(label);
    }
}
get('filters').addEventListener('input', filter);
get('filters').addEventListener('submit', (event) => event.preventDefault());
for (const [id, step] of [['previous', -1], ['next', 1]]) {
    get(id).addEventListener('click', () => {
        state.page += step;
        draw();
        scrollTo(0, 0);
    });
}
filter();
