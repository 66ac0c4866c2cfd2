// Plays a whole game with two engines as Sabaki does, by its own library, with an analysis before every tenth move.
// node sabaki.js COMMAND [ARGUMENTS...]; prints what it has seen.
const {Controller} = require('@sabaki/gtp')

async function main() {
  const [program, ...args] = process.argv.slice(2)
  const engines = {b: new Controller(program, args), w: new Controller(program, args)}
  const send = async (engine, name, args = [], each) => {
    const response = await engine.sendCommand({name, args}, each)
    if (response.error) throw new Error(`${name} ${args.join(' ')}: ${response.content}`)
    return response.content
  }
  for (const engine of Object.values(engines)) {
    engine.start()
    const commands = (await send(engine, 'list_commands')).split('\n')
    for (const name of ['kata-analyze', 'kata-genmove_analyze', 'lz-analyze', 'undo', 'loadsgf', 'time_settings', 'final_score']) {
      if (!commands.includes(name)) throw new Error(`${name} is not known`)
    }
    await send(engine, 'boardsize', ['19'])
    await send(engine, 'clear_board')
    await send(engine, 'komi', ['6.5'])
  }
  let moves = 0, passes = 0, analyses = 0
  const unexplained = []
  for (let color = 'b'; passes < 2; color = color === 'b' ? 'w' : 'b') {
    const engine = engines[color], other = engines[color === 'b' ? 'w' : 'b']
    if (moves % 10 === 0) {
      // An analysis is ended by the next command, once it has told something.
      let told
      const something = new Promise(resolve => (told = resolve))
      const analysis = send(engine, 'kata-analyze', [color, '1', 'ownership', 'true'], ({line}) => {
        if (/^info move \S+ visits \d+ .* pv \S+.* ownership( -?\d\S*){361}$/.test(line)) told()
      })
      await something
      await send(engine, 'name')
      await analysis
      analyses++
    }
    let explained = false
    const answer = await send(engine, 'kata-genmove_analyze', [color, '1'], ({line}) => {
      if (/^info move (pass|[A-HJ-T]\d+) visits \d+ utility \S+ winrate [01]\S* prior \S+ lcb \S+ utilityLcb \S+ order 0 pv \S+/.test(line)) explained = true
    })
    const move = answer.match(/play (pass|resign|[A-HJ-T]\d+)\s*$/)
    if (!move) throw new Error(`no move in ${answer}`)
    passes = move[1] === 'pass' ? passes + 1 : 0
    // A pass that answers a pass needs no search.
    if (!explained && passes === 0) unexplained.push(moves + 1)
    await send(other, 'play', [color, move[1]])
    moves++
    if (moves > 800) throw new Error('the game has no end')
  }
  const scores = [await send(engines.b, 'final_score'), await send(engines.w, 'final_score')]
  const record = await send(engines.b, 'printsgf')
  if (scores[0] !== scores[1]) throw new Error(`the engines disagree: ${scores}`)
  for (const engine of Object.values(engines)) await engine.stop()
  console.log(`${moves} moves, ${analyses} analyses, ${unexplained.length === 0 ? 'every move' : 'all but ' + unexplained} explained, ${scores[0]}, ${record.split(';').length - 2} moves in the record`)
}

main().catch(err => { console.error(err.message); process.exit(1) })
