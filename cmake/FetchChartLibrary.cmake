# SPDX-License-Identifier: Apache-2.0
# Run with cmake -P: has npm fetch what web/package-lock.json pins, and puts the files that are served into OUTPUT.
# NPM, SOURCE (web/), WORK, OUTPUT.
file(MAKE_DIRECTORY ${WORK} ${OUTPUT})
file(COPY ${SOURCE}/package.json ${SOURCE}/package-lock.json DESTINATION ${WORK})
execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --omit=dev --prefer-offline
                WORKING_DIRECTORY ${WORK} RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the dashboard's chart library could not be fetched: npm ci in ${WORK} ended with ${result}:\n${said}\n"
    "Is the npm registry reachable from here (npm config get registry, npm ping)?\n"
    "Without it, build without the dashboard:  cmake -B build -DBIXWS_DASHBOARD=OFF")
endif()
set(library ${WORK}/node_modules/klinecharts)
file(COPY_FILE ${library}/dist/umd/klinecharts.min.js ${OUTPUT}/klinecharts.js)
file(READ ${library}/NOTICE notice)
file(READ ${library}/LICENSE license)
file(READ ${library}/licenses/LICENSE-lightweight-charts other)
file(WRITE ${OUTPUT}/klinecharts-licence.txt "${notice}\n\n${license}\n\n${other}")
