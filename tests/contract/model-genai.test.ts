import { test } from 'uvu'
import { genaiModel } from './genai-model.ts'
import { modelContract } from './model.ts'

modelContract('@google/genai', genaiModel)

test.run()
