'use strict';
// What the page shows comes from this server alone. Names are set as text, never as markup.
const $ = id => document.getElementById(id);
const say = text => { $('message').textContent = text; };
const make = (tag, props = {}, ...children) => {
  const e = document.createElement(tag);
  Object.assign(e, props);
  e.append(...children);
  return e;
};
const svg = (tag, attributes = {}, text) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
};

async function ask(path, options = {}) {
  const token = sessionStorage.getItem('token');
  options.headers = { ...(options.headers || {}), ...(token ? { Authorization: 'Bearer ' + token } : {}) };
  const r = await fetch(path, options);
  const text = await r.text();
  let answer;
  try { answer = JSON.parse(text); } catch { answer = { error: r.status + ' ' + r.statusText }; }
  if (r.status === 401) $('token-form').hidden = false;
  if (!r.ok) throw new Error(answer.error || r.statusText);
  return answer;
}
const attempt = f => async (...args) => {
  try { say(''); return await f(...args); } catch (e) { if (e.name !== 'AbortError') say(e.message); }
};
const percent = p => (100 * p).toFixed(p < 0.001 ? 2 : 1) + ' %';

let state = { models: [], runs: [], go: 0 };
const model = () => state.models.find(m => m.name === $('model').value);

// Views.
const tabs = [...document.querySelectorAll('[role=tab]')];
function show(tab) {
  for (const t of tabs) {
    const on = t === tab;
    t.setAttribute('aria-selected', on);
    t.tabIndex = on ? 0 : -1;
    $(t.getAttribute('aria-controls')).hidden = !on;
  }
  if (tab.id === 'tab-network') drawNetwork();
  if (tab.id === 'tab-runs') drawRuns();
  if (tab.id === 'tab-go' && state.go && !game.position) refresh(false);
}
for (const [i, t] of tabs.entries()) {
  t.addEventListener('click', () => show(t));
  t.addEventListener('keydown', e => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    const next = tabs[(i + step + tabs.length) % tabs.length];
    next.focus();
    show(next);
  });
}

// An image.
let file = null, chosen = -1, looking = null;
$('file').addEventListener('change', () => { if ($('file').files[0]) classify($('file').files[0]); });
for (const kind of ['dragover', 'dragenter']) document.addEventListener(kind, e => { e.preventDefault(); $('drop').classList.add('over'); });
document.addEventListener('dragleave', () => $('drop').classList.remove('over'));
document.addEventListener('drop', e => {
  e.preventDefault();
  $('drop').classList.remove('over');
  if (e.dataTransfer.files[0]) classify(e.dataTransfer.files[0]);
});
document.addEventListener('paste', e => {
  const item = [...e.clipboardData.files][0];
  if (item) classify(item);
});

const classify = attempt(async f => {
  file = f;
  chosen = -1;
  const m = model();
  if (!m) throw new Error('there is no network to ask');
  $('answers').replaceChildren(make('p', { textContent: 'looking…' }));
  const began = performance.now();
  const a = await ask('predict/' + encodeURIComponent(m.name) + '?top=5', { method: 'POST', body: file });
  const took = performance.now() - began;
  const list = a.images[0].top.map(t => {
    const bar = make('span', { className: 'bar' });
    bar.style.width = 100 * t.probability + '%';
    const b = make('button', { type: 'button' }, bar,
      make('span', { className: 'text' }, make('span', { textContent: t.class }), make('span', { textContent: percent(t.probability) })));
    b.setAttribute('aria-pressed', 'false');
    b.addEventListener('click', () => { chosen = t.index; look(); });
    b.dataset.index = t.index;
    return b;
  });
  $('answers').replaceChildren(...list, make('p', { textContent: (f.name || 'image') + ', ' + took.toFixed(0) + ' ms' }));
  if (m.members > 1) members(m);
  $('members').hidden = m.members < 2;
  chosen = a.images[0].top[0].index;
  await look();
});

const look = attempt(async () => {
  const m = model();
  if (!file || !m) return;
  if (looking) looking.abort();
  looking = new AbortController();
  const q = new URLSearchParams({ how: $('how').value });
  if (chosen >= 0) q.set('class', chosen);
  if ($('how').value === 'gradcam' && $('layer').value) q.set('layer', $('layer').value);
  $('layer-label').hidden = $('how').value !== 'gradcam';
  for (const b of $('answers').querySelectorAll('button')) b.setAttribute('aria-pressed', b.dataset.index == chosen);
  const a = await ask('page/models/' + encodeURIComponent(m.name) + '/look?' + q, { method: 'POST', body: file, signal: looking.signal });
  $('picture').src = a.picture;
  $('heat').src = a.heat;
  $('about').textContent = 'what speaks for ' + a.name;
  $('shown').hidden = false;
  strength();
});
const strength = () => { $('heat').style.opacity = $('strength').value / 100; };
$('strength').addEventListener('input', strength);
$('how').addEventListener('change', look);
$('layer').addEventListener('change', look);

async function members(m) {
  const a = await ask('page/models/' + encodeURIComponent(m.name) + '/members', { method: 'POST', body: file });
  const body = $('members').querySelector('tbody');
  const counts = {};
  for (const top of a.members) counts[top[0].class] = (counts[top[0].class] || 0) + 1;
  const most = Object.entries(counts).sort((x, y) => y[1] - x[1])[0][0];
  const of = a.members.map(top => (top.find(t => t.class === most) || { probability: 0 }).probability);
  $('agreement').textContent = counts[most] === a.members.length
    ? `All ${a.members.length} say ${most}, with ${percent(Math.min(...of))} to ${percent(Math.max(...of))}.`
    : `${counts[most]} of ${a.members.length} say ${most}; the others say ${Object.keys(counts).filter(k => k !== most).map(k => k + ' (' + counts[k] + ')').join(', ')}.`;
  $('members').querySelector('thead').replaceChildren(make('tr', {}, ...['', 'first', 'second', 'third'].map(t => make('th', { textContent: t }))));
  body.replaceChildren(...a.members.map((top, i) => make('tr', {}, make('td', { textContent: 'member ' + (i + 1) }),
    ...top.map((t, k) => make('td', { textContent: t.class + ' ' + percent(t.probability), className: k === 0 && t.class !== most ? 'differs' : '' })))));
}

// The network, drawn as the lecture draws it: a block's height is that of its maps, its width their number.
const drawNetwork = attempt(async () => {
  const m = model();
  if (!m) return;
  const r = await ask('page/models/' + encodeURIComponent(m.name) + '/architecture');
  $('totals').textContent = r.name + ', ' + r.variant + ': ' + r.parameters.toLocaleString('en') + ' parameters, ' +
    r.macs.toLocaleString('en') + ' multiply-adds an image of ' + r.input.join('×');
  const family = kind => /conv/.test(kind) ? 'conv' : /dense|fully|linear/.test(kind) ? 'dense' : /pool|subsample/.test(kind) ? 'pool' : /norm|lrn/.test(kind) ? 'norm' : 'other';
  const blocks = r.layers.map(l => {
    const [c, h] = l.out.length === 3 ? [l.out[0], l.out[1]] : [l.out[0] || 1, 1];
    const b = make('button', { type: 'button', className: family(l.kind), textContent: l.name });
    b.style.height = Math.max(64, Math.min(240, 16 * Math.sqrt(h))) + 'px';
    b.style.width = Math.max(18, 6 * Math.log2(c + 1)) + 'px';
    b.title = l.name + ': ' + l.out.join('×');
    b.setAttribute('aria-pressed', 'false');
    b.addEventListener('click', () => {
      for (const o of $('blocks').querySelectorAll('button')) o.setAttribute('aria-pressed', o === b);
      const rows = [['layer', l.name], ['kind', l.kind], ['from', l.in.join('×')], ['to', l.out.join('×')], ['size', l.formula],
        ['parameters', l.parameters.toLocaleString('en')], ['multiply-adds', l.macs.toLocaleString('en')], ['memory', (l.bytes / 1024).toFixed(1) + ' KB']];
      $('arithmetic').replaceChildren(make('dl', {}, ...rows.filter(x => x[1]).flatMap(([k, v]) => [make('dt', { textContent: k }), make('dd', { textContent: v })])));
    });
    return make('div', { className: 'layer' }, b, make('span', { textContent: l.out.join('×') }));
  });
  $('blocks').replaceChildren(...blocks);
});

// Runs while they train.
const drawRuns = attempt(async () => {
  $('no-runs').hidden = state.runs.length > 0;
  const figures = [];
  for (const [i, name] of state.runs.entries()) {
    const { rows, alive } = await ask('page/runs/' + i + '/metrics');
    figures.push(make('h2', { textContent: name + (alive ? ' (training)' : '') }), curve(rows || []));
  }
  $('curves').replaceChildren(...figures);
});
function curve(rows) {
  const W = 640, H = 300, L = 50, B = 34;
  const s = svg('svg', { viewBox: `0 0 ${W} ${H}`, width: W, role: 'img' });
  s.append(svg('title', {}, 'error by epoch'));
  const head = rows[0] || [], at = n => head.indexOf(n);
  const series = [['train_top1_error', 'train dash', 'training'], ['top1_error', 'test', 'held out']].filter(x => at(x[0]) >= 0);
  const points = series.map(([n]) => rows.slice(1).map(r => [parseFloat(r[0]), 100 * parseFloat(r[at(n)])]).filter(p => p[1] === p[1]));
  const all = points.flat();
  if (!all.length) { s.append(svg('text', { x: L, y: H / 2 }, 'no epoch is finished yet')); return s; }
  const right = Math.max(...all.map(p => p[0]), 1), top = Math.ceil(Math.max(...all.map(p => p[1])) / 10) * 10 || 10;
  const x = v => L + (W - L - 12) * v / right, y = v => H - B - (H - B - 12) * v / top;
  for (let k = 0; k <= 4; k++) {
    const v = top * k / 4;
    s.append(svg('line', { class: 'axis', x1: L, x2: W - 12, y1: y(v), y2: y(v) }), svg('text', { x: 6, y: y(v) + 4 }, v.toFixed(v % 1 ? 1 : 0) + ' %'));
  }
  const every = Math.max(1, Math.ceil(right / 10));
  for (let e = every; e <= right; e += every) s.append(svg('text', { x: x(e) - 6, y: H - 12 }, e));
  s.append(svg('text', { x: W - 60, y: H - 0.5 }, 'epoch'));
  points.forEach((p, i) => s.append(svg('polyline', { class: series[i][1], points: p.map(q => x(q[0]) + ',' + y(q[1])).join(' ') })));
  points.forEach((p, i) => {
    if (p.length) s.append(svg('text', { x: Math.min(x(p.at(-1)[0]) + 4, W - 150), y: y(p.at(-1)[1]) - 6 }, series[i][2] + ' ' + p.at(-1)[1].toFixed(2) + ' %'));
  });
  s.setAttribute('aria-label', series.map((n, i) => n[2] + ' error ' + (points[i].at(-1) || [0, NaN])[1].toFixed(2) + ' % after epoch ' + (points[i].at(-1) || [0])[0]).join(', '));
  return s;
}
setInterval(() => { if (!$('runs').hidden && !document.hidden && state.runs.length) drawRuns(); }, 2000);

// A game of Go against the policy.
const game = { moves: [], position: null, busy: false };
const refresh = attempt(async move => {
  if (game.busy) return;
  game.busy = true;
  try {
    const a = await ask('page/go', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ moves: game.moves, move }) });
    if (a.move) game.moves.push(a.move);
    game.position = a;
  } catch (e) {
    game.moves.pop(); // what cannot be played is taken back
    throw e;
  } finally { game.busy = false; drawBoard(); }
});
const put = point => { if (game.busy || (game.position && game.position.over)) return; game.moves.push(point); refresh(true); };
function drawBoard() {
  const p = game.position;
  if (!p) return;
  const n = p.size, unit = 32, edge = 36, side = 2 * edge + (n - 1) * unit;
  const b = $('board');
  b.setAttribute('viewBox', `0 0 ${side} ${side}`);
  b.replaceChildren();
  const at = i => edge + i * unit;
  for (let i = 0; i < n; i++) {
    b.append(svg('line', { x1: at(0), x2: at(n - 1), y1: at(i), y2: at(i) }), svg('line', { y1: at(0), y2: at(n - 1), x1: at(i), x2: at(i) }));
    const letter = 'ABCDEFGHJKLMNOPQRSTUVWXYZ'[i];
    for (const y of [18, side - 6]) b.append(svg('text', { x: at(i), y }, letter));
    for (const x of [13, side - 13]) b.append(svg('text', { x, y: at(i) + 5 }, n - i));
  }
  const stars = n === 19 ? [3, 9, 15] : n === 13 ? [3, 6, 9] : n === 9 ? [2, 4, 6] : [];
  for (const x of stars) for (const y of stars) b.append(svg('circle', { class: 'star', cx: at(x), cy: at(y), r: 4 }));
  const where = name => ['ABCDEFGHJKLMNOPQRSTUVWXYZ'.indexOf(name[0]), n - parseInt(name.slice(1))];
  const last = game.moves.at(-1);
  const best = Math.max(...p.probabilities);
  p.points.forEach((name, i) => {
    const [x, y] = where(name), cx = at(x), cy = at(y);
    if (p.stones[i]) {
      b.append(svg('circle', { class: p.stones[i] === 1 ? 'black' : 'white', cx, cy, r: 15 }));
      if (name === last) b.append(svg('circle', { class: 'last', cx, cy, r: 8 }));
      return;
    }
    const q = p.probabilities[i];
    if ($('hints').checked && q >= 0.01) {
      b.append(svg('circle', { class: 'hint', cx, cy, r: 14, opacity: 0.25 + 0.7 * q / best }), svg('text', { class: 'percent', x: cx, y: cy + 4 }, Math.round(100 * q)));
    }
    const target = svg('rect', { x: cx - unit / 2, y: cy - unit / 2, width: unit, height: unit, fill: 'transparent', 'data-point': name });
    target.addEventListener('click', () => put(name));
    b.append(target);
  });
  const lead = Math.abs(p.lead).toFixed(1) + ' for ' + (p.lead > 0 ? 'black' : 'white');
  $('turn').textContent = p.over ? 'The game is over: ' + lead : p.toPlay + ' to play' + (p.move ? '; the policy played ' + p.move : '') + '; by random games ' + lead;
  $('moves').replaceChildren(...game.moves.map(m => make('li', { textContent: m })));
}
$('hints').addEventListener('change', drawBoard);
$('pass').addEventListener('click', () => put('pass'));
$('play').addEventListener('click', () => { if ($('point').value) { put($('point').value.toUpperCase()); $('point').value = ''; } });
$('point').addEventListener('keydown', e => { if (e.key === 'Enter') $('play').click(); });
$('undo').addEventListener('click', () => { game.moves.splice(-2); refresh(false); });
$('anew').addEventListener('click', () => { game.moves = []; refresh(false); });

// The beginning.
const begin = attempt(async () => {
  state = await ask('page/state');
  $('token-form').hidden = true;
  $('model').replaceChildren(...state.models.map(m => make('option', { value: m.name, textContent: m.name + (m.members > 1 ? ` (${m.members} members)` : '') })));
  $('model-label').hidden = state.models.length === 0;
  $('no-go').hidden = state.go > 0;
  $('table').hidden = state.go === 0;
  pick();
});
function pick() {
  const m = model();
  if (!m) return;
  const layers = m.layers || [];
  $('layer').replaceChildren(...layers.map(l => make('option', { value: l, textContent: l })));
  if (layers.length) $('layer').value = layers.findLast(l => !/pool/.test(l)) || layers.at(-1);
  if (file) classify(file);
  if (!$('network').hidden) drawNetwork();
}
$('model').addEventListener('change', pick);
$('token-form').addEventListener('submit', e => { e.preventDefault(); sessionStorage.setItem('token', $('token').value); begin(); });
begin();
