// Times ONNX Runtime on a model: node .ci/ort.js FILE BATCH CHANNELS HEIGHT WIDTH SECONDS THREADS prints milliseconds a step (median).
// onnxruntime-node is looked for below the folder that ZOO_ONNXRUNTIME names.
const path = require('path');
const ort = require(path.join(process.env.ZOO_ONNXRUNTIME || '.', 'node_modules', 'onnxruntime-node'));
(async () => {
  const [file, ...rest] = process.argv.slice(2);
  const [n, c, h, w, seconds, threads] = rest.map(Number);
  const session = await ort.InferenceSession.create(file, {intraOpNumThreads: threads, graphOptimizationLevel: 'all', logSeverityLevel: 3});
  const data = Float32Array.from({length: n * c * h * w}, () => 2 * Math.random() - 1);
  const feed = {[session.inputNames[0]]: new ort.Tensor('float32', data, [n, c, h, w])};
  for (let i = 0; i < 3; i++) await session.run(feed);
  const times = [];
  for (const end = performance.now() + 1e3 * seconds; performance.now() < end || times.length < 3;) {
    const begun = performance.now();
    await session.run(feed);
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  console.log(times[times.length >> 1].toFixed(3));
})().catch(e => { console.error(String(e)); process.exit(1); });
